"""What help, cards, doctor and pages say about a task."""

from dataclasses import dataclass

from gpt2kit.tasks.asking import Asking


@dataclass(frozen=True)
class About:
    """A task's texts for help, cards and doctor, and its prompts for pages."""

    corpus: str = "YOUR_FILE"
    """Example arguments of `prepare`."""
    input: str = "YOUR TEXT"
    """An example input for `parse`."""
    input_unit: str = "a line"
    """The form of one input in a file for `inputs`."""
    medium: str = "lines"
    """The output of `generate`: lines (one per input), text (a continuation) or performance (a MIDI file)."""
    generate: str = ""
    """The words after `generate` in an example, if they are not the input."""
    commands: tuple[str, ...] = ()
    """More commands for cards: the words after the task's name, with RUN for the run."""
    python: tuple[str, ...] = ()
    """Lines of Python that use an Engine called `model`; by default they print the answer to `input`."""
    copies: bool = False
    """Whether `evaluate` measures how much of the generated output is copied from the training split."""
    pretrained: bool = False
    """Whether training is meant to start from a pretrained model."""
    pipeline_tag: str = "text-generation"
    """The Hub's name for this kind of task, by which `pipeline` of transformers loads the model."""
    tags: tuple[str, ...] = ()
    """More Hub tags, in addition to the task's name."""
    languages: tuple[str, ...] = ()
    """Languages of the answers, if the settings say so."""
    requires: tuple[str, ...] = ()
    """The distributions that this task needs, for doctor."""
    asking: Asking | None = None
    """How a page makes the prompt of an input; None: it cannot. A task with other prompts than its base class
    replaces it."""
