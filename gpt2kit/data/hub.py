"""Models and tokenizers from the Hub: the only import of `huggingface_hub`."""

from pathlib import Path

from gpt2kit.errors import DataError, MachineError, UserError

ACCEPTED = "a folder with config.json and model.safetensors, or a Hub id such as gpt2"


def fetch(name: str) -> Path:
    """A local folder, or a Hub id (owner/name, gpt2) downloaded to the Hub's cache: safetensors and JSON only.

    Raises UserError for anything else, and MachineError without a network.
    """
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_file():
        raise DataError(
            f"{name} is a file; expected {ACCEPTED}; pickled weights are not accepted because they can run code"
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
