"""Digests of text, objects and metadata, by which a reader notices that a bit has flipped or a file was cut."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from typing import Any

KEY = "digest"
"""The key of a digest in a JSON object, of the parts that its writer chooses."""

CHECK = "check"
"""The key of the digest of a safetensors file's metadata."""


def of_bytes(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def of_object(value: Mapping[str, Any]) -> str:
    """The digest of a JSON object, as written or as read: keys are strings, tuples are lists."""
    plain = json.loads(json.dumps(value))
    return of_bytes(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())


def of_settings(value: Any) -> str:
    """The digest of settings; of paths only the last part, so that a project may be moved."""
    return of_object({"settings": _without_folders(value)})


def of_recipe(text: str) -> list[str]:
    """The digests of the settings in a recipe, however it is formatted: of all, and of those that training has fixed.

    Raises ValueError for text that is not TOML.
    """
    table = tomllib.loads(text)
    return [of_settings(table), of_settings({key: value for key, value in table.items() if key != "generate"})]


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(each) for each in value]
    return value.rsplit("/", 1)[-1] if isinstance(value, str) else value


def of_metadata(tensors: str, metadata: Mapping[str, str]) -> str:
    """The digest of the digest of tensors and of the metadata next to them."""
    return of_object({"tensors": tensors, **metadata})
