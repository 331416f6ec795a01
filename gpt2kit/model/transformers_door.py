"""The interface to `transformers`, the authority on the contents of a Hugging Face folder.

It is imported within the functions, since that takes a second. Its classes write files: they check the values and add
the keys that other readers expect. They do not read files: hf_config.read reads plain JSON, so that decoding starts
fast, and code in a folder is never run.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.errors import DataError


def write_config(path: Path, values: Mapping[str, Any]) -> None:
    """Write config.json through GPT2Config. Raises DataError for values that it rejects."""
    from transformers import GPT2Config

    _write(path, GPT2Config, values)


def write_generation_config(path: Path, values: Mapping[str, Any]) -> None:
    """Write generation_config.json through GenerationConfig. Raises DataError for values that it rejects."""
    from transformers import GenerationConfig

    _write(path, GenerationConfig, values)


def _write(path: Path, kind: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """`values` are written as given, including defaults, which `to_diff_dict` leaves out."""
    try:
        config = kind(**{key: value for key, value in values.items() if key != "model_type"})  # fixed by the class
    except Exception as error:  # its checks raise classes of several packages
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: transformers does not accept these values: {reason}") from error
    files.write_json(path, {**values, **config.to_diff_dict(), **values})


def pretrained(folder: Path, head: bool, new_labels: int = 0) -> Any:
    """Load a folder with transformers, in fp32; `head` requests the classifier, `new_labels` an untrained one for them.

    No code from the folder is run: if transformers lacks the attention, the classes are the package's own. Raises
    ValueError if a weight is missing from the folder, which would be initialised at random.
    """
    kind: Any
    if files.read_json(folder / "config.json").get("model_type") == "gpt2kit":
        from gpt2kit.model import modeling_gpt2kit

        kind = modeling_gpt2kit.GPT2KitForSequenceClassification if head else modeling_gpt2kit.GPT2KitForCausalLM
    else:
        from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

        kind = AutoModelForSequenceClassification if head else AutoModelForCausalLM
    new: dict[str, Any] = {"num_labels": new_labels, "ignore_mismatched_sizes": True} if new_labels else {}
    with quietly():
        model, report = kind.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True, output_loading_info=True, **new
        )
    if missing := sorted(set(report["missing_keys"]) - ({"score.weight"} if new else set())):
        raise ValueError(f"missing weights: {', '.join(missing[:3])}")
    return model.eval().float()


def of_gguf(path: Path, n_positions: int, n_inner: int) -> tuple[Any, Any]:
    """Load the GPT-2 and the tokenizer of a GGUF file with transformers, in fp32.

    It looks for both numbers under other keys than the file has them, and would use 1024 and 4 x n_embd. Raises
    ValueError if a weight is missing from the file, which would be initialised at random.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind: Any = AutoModelForCausalLM
    place: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    shape: dict[str, Any] = {"n_positions": n_positions, "n_inner": n_inner, "dtype": "float32"}
    with quietly(), redirect_stderr(StringIO()):  # its progress bar for GGUF files cannot be disabled
        model, report = kind.from_pretrained(path.parent, **place, **shape, output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **place)
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"missing weights: {', '.join(missing[:3])}")
    return model.eval(), tokenizer


def greedy(model: Any, ids_BT: Any, mask_BT: Any, new: int, stop: int, tokens: int) -> Any:
    """Greedy answers [B, at most `new`] of a model that transformers has opened, whatever generation_config.json says.

    Prompts are padded on the left. After `stop`, an answer is filled with it; ids from `tokens` on are never chosen.
    """
    from transformers import GenerationConfig

    settings: dict[str, Any] = {"do_sample": False, "max_new_tokens": new, "eos_token_id": stop, "pad_token_id": stop}
    if surplus := list(range(tokens, model.config.vocab_size)):
        settings["suppress_tokens"] = surplus
    model.generation_config = GenerationConfig(**settings)  # passed as an argument, the file's would be added to it
    with quietly():
        found = model.generate(ids_BT, attention_mask=mask_BT)
    return found[:, ids_BT.size(1) :]


def tokenizer(folder: Path) -> Any:
    """Load the tokenizer of a folder as AutoTokenizer does; no code from the folder is run."""
    from transformers import AutoTokenizer

    with quietly():
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


@contextmanager
def quietly() -> Iterator[None]:
    """Disable the progress bars and warnings of transformers; its settings are restored."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
