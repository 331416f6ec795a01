"""Sizes in headers: what a file says that it holds is not made room for before it is there."""

import gzip
import io
import json
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import tensor_files
from gpt2kit.data.lines import text_lines
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model import hf, hf_config, lora
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.corpus.sources import Failed, pieces
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.midi_file.smf import MidiError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")

Build = Callable[..., GPT2]
Limit = Callable[[], AbstractContextManager[None]]
"""No more than 256 MB; all that is claimed below is gigabytes."""


def test_the_limit_is_one(little_memory: Limit) -> None:
    with pytest.raises(MemoryError), little_memory():
        bytes(1 << 31)


def midi(body: bytes, tracks: int = 1, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"MThd\0\0\0\6\0\1" + tracks.to_bytes(2, "big") + b"\1\xe0MTrk" + size.to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "content",
    [
        midi(b"\0\xff\x2f\0", length=0xFFFFFFFF),
        midi(b"\0\xff\x2f\0", tracks=0xFFFF),
        midi(b"\0\xff\x01\x8f\xff\xff\xff\x7f"),  # a text of 4 GB
        midi(b"\0\xf0\xff\xff\xff\x7f"),
        b"MThd\xff\xff\xff\xff\0\0\0\1\1\xe0",
        b"RIFF\xff\xff\xff\xffRMIDdata\xff\xff\xff\xffMThd",
    ],
)
def test_a_midi_file(little_memory: Limit, content: bytes) -> None:
    with little_memory(), pytest.raises(MidiError):
        parse_midi(content)


def zipped(claim: bytes, at: int) -> bytes:
    """A zip of one file whose central directory says something else of it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mid", midi(b"\0\xff\x2f\0"))
    content = bytearray(written.getvalue())
    place = content.index(b"PK\1\2") + at
    content[place : place + len(claim)] = claim
    return bytes(content)


def in_tar(kind: bytes, size: int, packed: str = "") -> bytes:
    """A tar whose first header is that of something very long."""
    header = tarfile.TarInfo("a.mid")
    header.type, header.size = kind, size
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=f"w:{packed}") as archive:  # type: ignore[call-overload]  # w:gz is a mode
        archive.fileobj.write(header.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024)
    return written.getvalue()


ARCHIVES = {
    "size.zip": zipped(b"\xff\xff\xff\xfe", 24),
    "packed.zip": zipped(b"\xff\xff\xff\xfe", 20),
    "offset.zip": zipped(b"\xff\xff\xff\xfe", 42),
    "name.zip": zipped(b"\xff\xff", 28),
    "member.tar": in_tar(tarfile.REGTYPE, 1 << 40),
    "longname.tar": in_tar(tarfile.GNUTYPE_LONGNAME, 1 << 40),
    "longlink.tar.gz": in_tar(tarfile.GNUTYPE_LONGLINK, 1 << 33, "gz"),
    "pax.tar": in_tar(tarfile.XHDTYPE, 1 << 40),
    "global.tgz": in_tar(tarfile.XGLTYPE, 1 << 36, "gz"),
    "below.tar": in_tar(tarfile.REGTYPE, -4096),
    "longbelow.tar": in_tar(tarfile.GNUTYPE_LONGNAME, -4096),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive(little_memory: Limit, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ARCHIVES[name])
    with little_memory():
        found = list(pieces([str(tmp_path / name)]))
    assert found
    assert all(isinstance(item, Failed) for item in found)


def test_a_packed_header_of_gigabytes(little_memory: Limit, tmp_path: Path) -> None:
    """They are there, as zeros that were packed: they are not unpacked to be the name of a file."""
    header = tarfile.TarInfo("a.mid")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    with gzip.open(tmp_path / "bomb.tar.gz", "wb", 1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(80):
            file.write(bytes(1 << 20))
    with little_memory():
        (found,) = pieces([str(tmp_path / "bomb.tar.gz")])
    assert isinstance(found, Failed)
    assert "a header says 1,073,741,824 bytes" in f"{found.reason} {found.detail}"


def tensors(header: dict[str, Any] | bytes, length: int | None = None) -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if length is None else length) + content


def tensor(shape: list[int], end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"transformer.wte.weight": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}


@pytest.mark.parametrize(
    "content",
    [
        tensors(b"{}", 1 << 62),
        tensors(b"{}", 1 << 26),
        tensors(tensor([1 << 32, 4], 1 << 36)),
        tensors(tensor([1 << 62, 1 << 62], 4)),
        tensors(tensor([1 << 40], 4) | {"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}) + bytes(8),
        tensors(tensor([2], 8, "F99")) + bytes(8),
        tensors(b"[" * 100_000),
        b"",
        b"\xff" * 7,
    ],
    ids=["header", "header of 64 MB", "weights", "overflow", "offsets", "type", "depth", "nothing", "short"],
)
def test_a_safetensors_file(little_memory: Limit, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with little_memory(), pytest.raises(DataError, match=r"model\.safetensors is damaged or not a safetensors file"):
        tensor_files.read_tensors(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "claim",
    [
        *({"n_layer": 10**9}, {"n_positions": 10**12}, {"n_embd": 1 << 40}, {"vocab_size": 1 << 40}),
        *({"n_head": 10**9}, {"n_inner": 1 << 61}, {"n_layer": 10**30}, {"n_positions": 10**30}),
        *({"n_layer": 2.0}, {"n_embd": True}, {"vocab_size": "23"}, {"n_layer": [2]}, {"resid_pdrop": None}),
        *({"attention": "local", "model_type": "gpt2kit", "block": "many"}, {"id2label": []}),
    ],
)
def test_a_config(little_memory: Limit, tiny_model: Build, tmp_path: Path, claim: dict[str, Any]) -> None:
    """No model is made of what the weights are not there for."""
    hf.save(tmp_path, tiny_model(), 0)
    described = json.loads((tmp_path / hf_config.CONFIG).read_text(encoding="utf-8"))
    classifier = {"architectures": [hf_config.CLASSIFIER]} if "id2label" in claim else {}
    (tmp_path / hf_config.CONFIG).write_text(json.dumps(described | claim | classifier), encoding="utf-8")
    if claim == {"id2label": []}:
        assert hf.load(tmp_path).labels == (), "an empty list is no labels"
        return
    with little_memory(), pytest.raises(DataError):
        hf.load(tmp_path)


@pytest.mark.parametrize("claim", [{"r": 10**10}, {"r": 0}, {"r": "8"}, {"lora_alpha": "x"}, {"target_modules": 3}])
def test_an_adapter(little_memory: Limit, tiny_model: Build, tmp_path: Path, claim: dict[str, Any]) -> None:
    adapted = tiny_model()
    lora.adapt(adapted, 2, 4.0, ("c_attn",), 0)
    lora.save(tmp_path, adapted, "base")
    described = json.loads((tmp_path / lora.ADAPTER_CONFIG).read_text(encoding="utf-8"))
    (tmp_path / lora.ADAPTER_CONFIG).write_text(json.dumps(described | claim), encoding="utf-8")
    with little_memory(), pytest.raises(DataError, match="not an adapter of base"):
        lora.load(tmp_path, tiny_model())


@pytest.mark.parametrize(
    "claim", [{"tokens": 1 << 50}, {"rows": 1 << 50}, {"tokens": 1e400}, {"rows": -1}, {"dtype": "O"}, {"dtype": "f8"}]
)
def test_a_prepared_split(
    little_memory: Limit, store_of: Callable[..., Store], tmp_path: Path, claim: dict[str, Any]
) -> None:
    store_of([([1, 2], [3]), ([4], [5, 6])])
    path = tmp_path / "train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | claim))
    with little_memory(), pytest.raises(DataError, match="prepare the data again"):
        Store(tmp_path, "train")


def test_an_xz_dictionary(little_memory: Limit, tmp_path: Path) -> None:
    """Its header asks for 3 GiB to unpack a word."""
    content = bytearray(lzma.compress(b"one\n"))
    properties = content.index(b"\x21\x01") + 2  # behind the id of LZMA2 and their length
    content[properties] = 39
    block, size = 12, (content[12] + 1) * 4  # behind the stream's header
    check = zlib.crc32(content[block : block + size - 4])
    content[block + size - 4 : block + size] = check.to_bytes(4, "little")
    (tmp_path / "a.txt.xz").write_bytes(content)
    with little_memory(), pytest.raises(DataError, match=r"a\.txt\.xz: damaged.*MemoryError"):
        list(text_lines(str(tmp_path / "a.txt.xz")))
