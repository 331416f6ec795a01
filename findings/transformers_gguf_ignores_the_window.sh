#!/usr/bin/env bash
# transformers: from_pretrained(..., gguf_file=FILE) of architecture gpt2 does not take the file's context length and width
# of the MLPs into the configuration. The file's 16 positions become the default of 1,024, and loading fails at the
# position embedding. `n_positions=` and `n_inner=` have to be given by hand, though the file states both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 gguf==0.19.0 accelerate==1.15.0
cat > "$folder/look.py" <<'PY'
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import gguf
import torch
import transformers
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=8, n_inner=12, vocab_size=20, n_positions=16)).eval()
writer = gguf.GGUFWriter(folder / "model.gguf", "gpt2")
writer.add_context_length(16)
writer.add_embedding_length(8)
writer.add_feed_forward_length(12)
writer.add_block_count(1)
writer.add_head_count(2)
writer.add_layer_norm_eps(1e-5)
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("gpt-2")
writer.add_token_list([chr(ord("a") + n) for n in range(20)])
writer.add_token_merges(["a b"])
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, 1)
for name, weight in model.named_parameters():
    linear = weight.dim() == 2 and ".h." in name
    stored = (weight.T if linear else weight).detach().contiguous().numpy()
    writer.add_tensor(names.get_name(name, (".weight", ".bias")), stored)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()


def opened(**more):
    return AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32, **more).eval()


print("The context length and the width of the MLPs in a GGUF file of GPT-2 are not used.")
print("torch", torch.__version__, "transformers", transformers.__version__, "gguf", version("gguf"))
try:
    opened()
    failed = False
except RuntimeError as error:
    failed = True
    print("as it is:", type(error).__name__, str(error).splitlines()[0])
ids = torch.arange(16)[None]
with torch.no_grad():
    apart = float((opened(n_positions=16, n_inner=12)(ids).logits - model(ids).logits).abs().max())
print("with n_positions=16, n_inner=12: logits differ by at most", apart)
raise SystemExit(not (failed and apart < 1e-5))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
