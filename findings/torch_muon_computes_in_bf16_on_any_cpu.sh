#!/usr/bin/env bash
# torch 2.13.0: torch.optim.Muon computes its Newton-Schulz iterations in bfloat16 on every device. A CPU without bf16
# instructions, as most laptops have, computes such products many times slower than those of float32: a step of eight
# matrices takes more than ten times as long as with the same iterations in float32. The documentation does not say so,
# and no argument changes it. To be seen on any x86 CPU, oneDNN is told here to use AVX2 only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
cat > "$folder/look.py" <<'PY'
import statistics
import time

import torch
from torch.optim import Muon

torch.set_num_threads(1)
torch.manual_seed(0)
weights = [torch.nn.Parameter(torch.randn(384, 384)) for _ in range(8)]
for weight in weights:
    weight.grad = torch.randn_like(weight)
optimizer = Muon(weights, lr=1e-3)


def in_float32():
    for weight in weights:
        x = weight.grad / weight.grad.norm()
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x


def seconds(call):
    taken = []
    for _ in range(4):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


muon, ours = seconds(optimizer.step), seconds(in_float32)
print("torch", torch.__version__, "- CPU kernels:", torch.backends.cpu.get_cpu_capability())
print(f"a step of Muon: {1000 * muon:.0f} ms; its iterations in float32: {1000 * ours:.0f} ms; {muon / ours:.0f} times")
raise SystemExit(muon < 5 * ours)
PY
echo "Muon in torch computes in bfloat16, which a CPU without bf16 instructions emulates slowly."
ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 "$folder/venv/bin/python" "$folder/look.py"
