"""Training as it is watched: every event passes, and those that matter are told."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpt2kit.cli import console, progress
from gpt2kit.pipeline.train import Samples
from gpt2kit.training import events

Capture = pytest.CaptureFixture[str]


def test_training_passes_every_event_on(capsys: Capture) -> None:
    told: list[events.Event | Samples] = [
        events.Start(3, 9, 4, 1234567, 0.0123, "cpu", "fp32", False),
        events.Fitted(4),
        events.Planned(2140, 4.4, "30m"),
        events.Extended(0, 300, 12, 245.0, "70s"),
        events.StepDone(4, 9, 1.0, 2.5, 0.001, 1000.0, 3700.0, 0.41),
        events.StepDone(5, 9, 1.25, 2.25, 0.001, 1000.0, 3600.0),
        events.Validation(5, 2.125, True),
        events.Validation(9, 3.125, False, 3, 25),
        Samples(9, [("good [b]", "bon", "bonjour")]),
        events.Stopped(9, 15),
    ]
    assert list(progress.training(iter(told))) == told
    out, err = capsys.readouterr()
    assert out == ""
    assert "1,234,567 parameters, 9 steps, 4 per epoch, 1.2% padding, fp32 on cpu, continuing after step 3" in err
    assert "step 4/9  epoch 1.00  loss 2.500  1,000 tokens/s  41% of peak  1:01:40 left" in err
    assert "each batch is computed in 4 parts to fit into memory, with the same results\n" in err
    assert "budget 30m: 2,140 steps, 4.4 epochs\n" in err
    assert (
        "the budget of 70s has time for only 12 of the 300 steps that this recipe needs to learn anything: "
        "training takes about 4:05 from now\n" in err
    )
    assert ", on 3 of 25 batches: the budget leaves no time for more  (" in err
    assert "step 5/9" not in err, "a line every few seconds, not one a step"
    assert "step 5  validation loss 2.1250 nats per target token\n" in err
    assert "(not the lowest so far)" in err
    assert "good [b]" in err


def test_a_busy_machine_is_said_once_per_change(capsys: Capture) -> None:
    step = events.StepDone(4, 9, 1.0, 2.5, 0.001, 1000.0, 3700.0, 0.41)
    told: list[events.Event | Samples] = [events.Shared(4, 1, 2, True), step, step, events.Shared(8, 2, 2, False), step]
    assert list(progress.training(iter(told))) == told
    err = capsys.readouterr().err
    assert err.count("busy") == 1
    assert "step 4  the machine is busy: 1 of 2 threads\n" in err
    assert "step 8  the machine is free again: 2 of 2 threads\n" in err


def test_on_a_terminal_the_bar_says_so_as_long_as_it_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is wide; there it replaces the share of peak."""
    shown: list[str] = []

    class Wide(console.Bar):
        def __init__(self) -> None:
            super().__init__()
            self.wide = True

        def move(self, step: int, steps: int, state: str, more: str, seconds_left: float) -> None:
            shown.append(more)

    monkeypatch.setattr(console, "Bar", Wide)
    step = events.StepDone(4, 9, 1.0, 2.5, 0.001, 1000.0, 3700.0, 0.41)
    told: list[events.Event | Samples] = [step, events.Shared(4, 1, 2, True), step, step]
    unknown = replace(step, of_peak=0.0)
    list(progress.training(iter([*told, events.Shared(8, 2, 2, False), step, unknown])))
    busy = "the machine is busy: 1 of 2 threads"
    assert shown == ["41% of peak", busy, busy, "41% of peak", ""]


def test_a_fixed_number_of_threads_is_named(capsys: Capture) -> None:
    list(progress.training(iter([events.Start(0, 9, 4, 1, 0.0, "cpu", "fp32", False, threads=1)])))
    assert "fp32 on cpu with 1 thread\n" in capsys.readouterr().err


def test_a_run_without_a_saved_state_says_that_it_starts_again(capsys: Capture) -> None:
    list(progress.training(iter([events.Start(0, 9, 4, 1, 0.0, "cpu", "fp32", False, resumed=True)])))
    assert "starting again: the run was stopped before its first save" in capsys.readouterr().err


def test_a_run_on_several_devices_with_a_budget(capsys: Capture) -> None:
    list(progress.training(iter([events.Start(0, 0, 4, 1, 0.0, "cuda:0", "bf16", False, processes=8)])))
    said = capsys.readouterr().err
    assert "1 parameters, as many steps as fit into the budget, 4 per epoch, 0.0% padding, bf16 on 8 x cuda\n" in said


@pytest.mark.parametrize(
    ("there", "resume", "before", "message"),
    [
        ((), False, False, "interrupted before the first step: nothing was trained or written"),
        (("run.json", "state.safetensors"), False, True, "interrupted before the first step: nothing was trained"),
        (("run.json",), False, False, "interrupted before the first save; to start the training again:\n  again"),
        (("run.json",), True, True, "interrupted before the first save; to start the training again:\n  again"),
        (("run.json", "state.safetensors"), False, False, "interrupted; the state of the last save is untouched; to"),
        (("run.json", "state.safetensors"), True, True, "interrupted; the state of the last save is untouched; to con"),
    ],
)
def test_a_ctrl_c_without_a_save_says_what_is_left(
    there: tuple[str, ...], resume: bool, before: bool, message: str, tmp_path: Path
) -> None:
    for name in there:
        (tmp_path / name).touch()
    found = progress.interrupted(tmp_path, resume, before, "again")
    assert str(found).startswith(message)
    assert found.exit_code == 130


def test_rescheduled_says_what_happens_to_the_rate(capsys: Capture) -> None:
    told = [events.Rescheduled(3150, 3150, 6300, 0.0, 1.234e-4), events.Rescheduled(50, 100, 60, 1e-3, 2e-4, False)]
    list(progress.training(iter(told)))
    err = capsys.readouterr().err
    assert "schedule extended from 3,150 to 6,300 steps: the learning rate continues at 0.00012, was 0\n" in err
    assert (
        "schedule shortened from 100 to 60 steps: the learning rate continues at 0.0002, was 0.001; "
        "the run kept no state, so the optimizer's moments start again\n"
    ) in err


def test_a_pretrained_model_of_which_a_part_is_trained(capsys: Capture) -> None:
    """What was unusual about its files comes first, then how many weights are trained."""
    remarks = ("gpt2 has a second head", "gpt2 has 50,304 rows")
    start = events.Start(0, 9, 4, 124_734_720, 0.0, "cpu", "fp32", False, learning=294_912, remarks=remarks)
    list(progress.training(iter([replace(start, doubts=("is this its tokenizer?",))])))
    first, second, doubt, third = capsys.readouterr().err.splitlines()
    assert (first, second) == remarks
    assert doubt == "WARNING is this its tokenizer?"
    assert third.startswith("124,734,720 parameters, 294,912 of them trained (0.24%), 9 steps, 4 per epoch, ")
