#!/usr/bin/env bash
# transformers: GPT2ForSequenceClassification reads the last token that is not the padding token, and does not look at the
# attention mask for that. GPT-2 is usually padded with its end token: a text that ends with this token is classified by
# the token before it, although the mask says that all tokens count. A padding token that no text has avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0
cat > "$folder/look.py" <<'PY'
import torch
import transformers
from transformers import GPT2Config, GPT2ForSequenceClassification

torch.manual_seed(0)
END = 0
shape = {"n_layer": 2, "n_head": 2, "n_embd": 16, "vocab_size": 20, "n_positions": 16, "initializer_range": 1.0}
model = GPT2ForSequenceClassification(GPT2Config(**shape, eos_token_id=END, pad_token_id=END)).eval()
text = torch.tensor([[5, 6, 7, END]])
mask = torch.ones_like(text)
with torch.no_grad():
    hidden = model.transformer(text, attention_mask=mask).last_hidden_state
    given = model(text, attention_mask=mask).logits[0]
    heads = model.score(hidden)[0]
print("A text that ends with the end token is classified by the token before it, also if the mask covers all of it.")
print("torch", torch.__version__, "transformers", transformers.__version__)
print("ids", text[0].tolist(), "mask", mask[0].tolist())
place = [n for n in range(4) if torch.allclose(heads[n], given, atol=1e-6)]
print("the logits are those of position", place, "of 0 to 3")
raise SystemExit(place != [2])
PY
"$folder/venv/bin/python" "$folder/look.py"
