"""The self-test: all checks, in order."""

from collections.abc import Iterator
from pathlib import Path

from gpt2kit.model.device import pick_device
from gpt2kit.selftest import decoding, logits, peer, peer_ids, record, saved, texts
from gpt2kit.selftest.check import Check, skipped
from gpt2kit.selftest.probes import probes
from gpt2kit.selftest.run_under_test import opened


def prove(run: Path, device: str = "auto", data: Path | None = None, base: str = "") -> Iterator[Check]:
    """Yield every check of a run as soon as it is complete. The last one computes on `device`, as training does.

    `data` and `base` are where the prepared folder and the base model of adapters are now, if they were moved. Raises
    DataError for a folder that is not a run.
    """
    picked, subject = pick_device(device), opened(run, data, base)
    asked, task, model = probes(subject), subject.task, subject.model
    yield texts.tokenizer_as_recorded(subject)
    yield texts.round_trip(subject)
    yield peer_ids.equal_auto_tokenizer(subject)
    yield saved.weights_as_recorded(subject)
    yield saved.saved_equals_loaded(subject, asked)
    yield peer.equals_hugging_face(subject, asked)
    if subject.base:
        yield peer.equals_peft(subject, asked)
    yield logits.cached_equals_full(model, asked)
    if model.labels:
        yield logits.batch_equals_single(model, asked, task.layout.extract)
    else:
        yield decoding.batch_equals_single(model, asked, task.vocabulary.eos)
    yield decoding.one_beam_equals_greedy(model, asked, task.vocabulary.eos)
    others = logits.arithmetics()
    for place, dtype in others:
        yield logits.equal_in(model, asked, place, dtype, task.layout.extract if model.labels else None)
    if not others:
        yield skipped("bf16 equals fp32", "this CPU does not compute bf16 natively, so that gpt2kit uses fp32")
    train = subject.recipe.train
    batching = task.layout.batching(model.config.n_positions, train.loss_on, train.window)
    yield record.reproduced(subject, batching, picked)
