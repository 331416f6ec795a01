"""Whether the device computes what the CPU does: logits, loss, gradients and answers, for each kind of attention."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import ATTENTIONS, GenerateConfig, ModelConfig
from gpt2kit.decoding import decode
from gpt2kit.model.device import autocast, native_bf16
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.objective import objective_of
from sections.work import CPU, Figures, Work, cleared

KINDS = (*ATTENTIONS, "local,compressed,local,compressed")

ACCEPTED = {"fp32": 1e-4, "bf16": 5e-2}
"""Largest ||found - CPU|| / ||CPU||; the CPU computes in fp32."""

COMPILED_SECONDS = 25
"""A kind takes about this long to compile."""


@dataclass(frozen=True)
class Passed:
    """One forward and backward pass."""

    logits: Tensor
    loss: float
    gradients: Tensor
    """All of them in one vector."""


def eager(work: Work) -> Iterator[Figures]:
    for kind in KINDS:
        model, ids = model_of(work, kind), ids_of(work)
        wanted = passed(model, ids, CPU, "fp32", compiles=False)
        for dtype in _dtypes(work):
            yield _compared(f"{kind} {dtype}", dtype, passed(model, ids, work.device, dtype, False), wanted)
        yield from answers(work, kind, model)


def compiled(work: Work) -> Iterator[Figures]:
    """As `train.compile = "on"` does it. A rehearsal does not compile, which takes minutes on a CPU."""
    for kind in KINDS[:1] if work.toy else KINDS:
        if work.late(COMPILED_SECONDS):
            yield {"row": f"{kind} compiled", "skipped": "no time left"}
            continue
        cleared()
        model, ids = model_of(work, kind), ids_of(work)
        wanted = passed(model, ids, CPU, "fp32", compiles=False)
        dtype = _dtypes(work)[-1]
        found = passed(model, ids, work.device, dtype, compiles=not work.toy)
        yield _compared(f"{kind} {dtype} compiled", dtype, found, wanted)


def _dtypes(work: Work) -> list[str]:
    return ["fp32", "bf16"] if native_bf16(work.device) else ["fp32"]


def model_of(work: Work, kind: str) -> GPT2:
    """Weights that are all random and large enough to matter."""
    width, block = (32, 8) if work.toy else (256, 64)
    shape = ModelConfig(
        n_layer=4, n_head=4, n_embd=width, n_positions=8 * block, dropout=0.0, attention=kind, block=block
    )
    model, generator = GPT2(shape, 499), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_scale = "ln_" in name and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if is_scale else noise * 1.5 * width**-0.5)
    return model


def ids_of(work: Work) -> Tensor:
    """Rows that end within a block and within a group."""
    return torch.randint(499, (4, 27 if work.toy else 343), generator=torch.Generator().manual_seed(2))


def passed(model: GPT2, ids_BT: Tensor, device: torch.device, dtype: str, compiles: bool) -> Passed:
    """On a copy of the model, which is on the CPU."""
    model = copy.deepcopy(model).to(device)
    objective = objective_of(model, TargetLoss(0.1, compiles)).train()
    for block in model.transformer.blocks() if compiles else ():
        block.compile(dynamic=True)
    inputs, labels_N = ids_BT[:, :-1].to(device), ids_BT[:, 1:].flatten().to(device)
    with autocast(device, dtype):
        loss, _ = objective(inputs, torch.arange(labels_N.numel(), device=device), labels_N)
    (loss / labels_N.numel()).backward()
    gradients = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    with torch.no_grad(), autocast(device, dtype):
        logits = model.eval()(inputs)
    return Passed(logits.float().cpu(), float(loss.detach()), torch.cat(gradients).float().cpu())


def distance(found: Tensor, wanted: Tensor) -> float:
    """||found - wanted|| / ||wanted||."""
    return float((found.double() - wanted.double()).norm() / wanted.double().norm())


def _compared(name: str, dtype: str, found: Passed, wanted: Passed) -> Figures:
    errors = {
        "logits": distance(found.logits, wanted.logits),
        "loss": abs(found.loss - wanted.loss) / abs(wanted.loss),
        "gradients": distance(found.gradients, wanted.gradients),
    }
    equal = all(error < ACCEPTED[dtype] for error in errors.values())  # NaN is not
    return {"row": name, "equal": equal, **{key: float(f"{error:.1e}") for key, error in errors.items()}}


def answers(work: Work, kind: str, model: GPT2) -> Iterator[Figures]:
    """Greedily and with beams in fp32, prompts of different lengths, past the ends of blocks, groups and graphs."""
    longest, new = (9, 12) if work.toy else (40, 120)
    generator = torch.Generator().manual_seed(3)
    prompts = [torch.randint(499, (2 + row * longest // 8,), generator=generator).tolist() for row in range(8)]
    for beams in (1, 4):
        config = GenerateConfig(max_new_tokens=new, beams=beams, dtype="fp32")
        wanted, found = (answered(copy.deepcopy(model).to(device), prompts, config) for device in (CPU, work.device))
        same = [first_difference(mine, theirs) for mine, theirs in zip(found, wanted, strict=True)]
        equal = sum(at is None for at in same)
        figures = {"row": f"{kind} answers, {beams} beams", "equal": equal == len(same), "same": f"{equal}/{len(same)}"}
        yield figures | ({} if equal == len(same) else {"differ_from_token": [at for at in same if at is not None]})


def answered(model: GPT2, prompts: list[list[int]], config: GenerateConfig) -> list[list[int]]:
    """The best answer to each prompt; 0 ends an answer."""
    decoder = decode.for_inference(model.eval(), config.dtype)
    found = {one.index: one.answers[0].ids for one in decode.answers(decoder, prompts, config, stop=0)}
    return [found[index] for index in range(len(prompts))]


def first_difference(found: list[int], wanted: list[int]) -> int | None:
    """The first token that differs; None if none does."""
    pairs = zip([*found, -1], [*wanted, -1], strict=False)
    return next((at for at, (mine, theirs) in enumerate(pairs) if mine != theirs), None)
