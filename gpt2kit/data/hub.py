"""Models and tokenizers from the Hub: the only import of `huggingface_hub`."""

from pathlib import Path

from gpt2kit.errors import DataError, MachineError, UserError

ACCEPTED = "a folder with config.json and model.safetensors, or a Hub id such as gpt2"
SHORT = {
    **{name: f"openai-community/{name}" for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")},
    "distilgpt2": "distilbert/distilgpt2",
}
"""Models that the Hub also finds by a name without an owner, with their full names."""
MODEL_FILES = (".json", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".bpe")
"""Endings of files of a model or a tokenizer, also of those that are refused later, with the reason."""


def hidden(name: str) -> str:
    """A remark if a directory here is read instead of a model of the Hub with the same short name; otherwise empty."""
    if name not in SHORT or not Path(name).is_dir():
        return ""
    return f"{name} is the directory ./{name} here, not the model of the Hub, whose other name is {SHORT[name]}"


def has_model(name: str) -> bool:
    """Whether a name may be that of a model: not a directory without its configuration, such as one with a tokenizer
    alone. That of a run with adapters is merged_config.json."""
    folder = Path(name)
    return not folder.is_dir() or any((folder / file).is_file() for file in ("config.json", "merged_config.json"))


def fetch(name: str) -> Path:
    """A local folder, or a Hub id (owner/name, gpt2) downloaded to the Hub's cache: safetensors and JSON only.

    Raises UserError for anything else, and MachineError without a network.
    """
    if Path(name).is_dir():
        if name in SHORT and not any(path.suffix in MODEL_FILES for path in Path(name).iterdir()):
            raise DataError(
                f"the directory {name} here hides the model {name} of the Hub, and has no files of a model: name the "
                f"model {SHORT[name]}, or rename the directory"
            )
        return Path(name)
    if Path(name).is_file():
        raise DataError(
            f"{name} is a file; expected {ACCEPTED}; pickled weights are not accepted because they can run code: "
            f"name the folder to see how to convert them"
        )
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise DataError(f"{name} is not a directory; expected {ACCEPTED}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.safetensors", "*.safetensors.index.json", "*.json", "merges.txt"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise MachineError(
            f"{name} is not a directory here, and the Hugging Face Hub cannot be reached to download it"
        ) from error
    except HFValidationError as error:
        raise UserError(f"{name!r} is neither a directory nor a Hub id such as owner/name: {error}") from None
    except HfHubHTTPError as error:
        raise DataError(f"{name} is not a directory here, and the Hub answers: {error}") from error
