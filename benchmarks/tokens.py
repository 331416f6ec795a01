"""How fast text becomes ids on disk with GPT-2's vocabulary, beside its peers, in turn, in one run.

    python benchmarks/tokens.py ../shared/data/wikipedia/train.jsonl.xz ../shared/data/gpt2-bpe [--megabytes 40]

The first articles' bodies are written as JSON lines; gpt2kit then is the whole command, `lm prepare`, from the start of
Python to the last file. The peers have imported their libraries already, but in the first round:

tokenizers  `encode_batch` over all cores, ids written with numpy
datasets    `load_dataset`, then `map` with `transformers`' fast tokenizer in batches, on as many processes as cores
tiktoken    `encode_ordinary_batch` on as many threads as cores, ids written with numpy
"""

import argparse
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import record

CORES = os.cpu_count() or 1


def bodies(articles: Path, megabytes: float, path: Path) -> int:
    """The first articles with so much text; returns its bytes."""
    size = 0
    with lzma.open(articles, "rt", encoding="utf-8") as lines, path.open("w", encoding="utf-8") as file:
        for line in lines:
            body = json.loads(line)["body"]
            file.write(json.dumps({"body": body}, ensure_ascii=False) + "\n")
            size += len(body.encode())
            if size >= megabytes * 1e6:
                break
    return size


def texts(path: Path) -> list[str]:
    return [json.loads(line)["body"] for line in path.open(encoding="utf-8")]


def gpt2kit(path: Path, vocabulary: Path, folder: Path) -> int:
    words = ["lm", "prepare", str(path), "--val", str(path.with_name("none.jsonl")), "--column", "body"]
    words += ["--tokenizer", str(vocabulary), "--out", str(folder / "data")]
    subprocess.run([sys.executable, "-m", "gpt2kit", *words], check=True, stderr=subprocess.DEVNULL)
    counts = json.loads((folder / "data" / "train.json").read_text())
    return int(counts["tokens"]) - int(counts["rows"])  # each document has a token in front


def tokenizers(path: Path, vocabulary: Path, folder: Path) -> int:
    from gpt2kit.data.bpe import Bpe

    encodings = Bpe.load(vocabulary).tokenizer.encode_batch_fast(texts(path), add_special_tokens=False)
    return written(folder, [np.array(encoding.ids, dtype=np.uint16) for encoding in encodings])


def tiktoken(path: Path, vocabulary: Path, folder: Path) -> int:
    import tiktoken
    from tiktoken.load import data_gym_to_mergeable_bpe_ranks

    from gpt2kit.data.bulk import PIECES

    ranks = data_gym_to_mergeable_bpe_ranks(str(vocabulary / "vocab.bpe"), str(vocabulary / "encoder.json"))
    encoding = tiktoken.Encoding("gpt2", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={})
    found = encoding.encode_ordinary_batch(texts(path), num_threads=CORES)
    return written(folder, [np.array(ids, dtype=np.uint16) for ids in found])


def datasets(path: Path, vocabulary: Path, folder: Path) -> int:
    import datasets
    from transformers import GPT2Tokenizer

    datasets.disable_progress_bars()
    tokenizer = GPT2Tokenizer(vocab=str(vocabulary / "encoder.json"), merges=str(vocabulary / "vocab.bpe"))
    loaded = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(folder))
    mapped = loaded.map(
        lambda rows: {"ids": tokenizer(rows["body"])["input_ids"]},
        batched=True,
        num_proc=CORES,
        remove_columns=["body"],
    )
    return sum(map(len, mapped.with_format("numpy")["ids"]))


def written(folder: Path, arrays: list["np.ndarray[Any, Any]"]) -> int:
    (folder / "ids").write_bytes(np.concatenate(arrays).tobytes())
    return sum(map(len, arrays))


PROGRAMS: dict[str, Callable[[Path, Path, Path], int]] = {
    program.__name__: program for program in (gpt2kit, tokenizers, datasets, tiktoken)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("vocabulary", type=Path, help="a folder with encoder.json and vocab.bpe")
    parser.add_argument("--megabytes", type=float, default=40)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "bodies.jsonl"
        size = bodies(arguments.articles, arguments.megabytes, path)
        (Path(work) / "none.jsonl").write_text('{"body": "a validation text"}\n', encoding="utf-8")
        counts = set()
        for _ in range(arguments.runs):
            for name, program in PROGRAMS.items():
                with tempfile.TemporaryDirectory(dir=work) as folder:
                    started = time.perf_counter()
                    counts.add(program(path, arguments.vocabulary, Path(folder)))
                    seconds[name].append(time.perf_counter() - started)
    if len(counts) != 1:
        raise SystemExit(f"the programs do not agree on the tokens: {sorted(counts)}")
    rates = {name: [size / 1e6 / each for each in found] for name, found in seconds.items()}
    record(
        "tokens",
        {
            "megabytes": round(size / 1e6, 1),
            "tokens": counts.pop(),
            "runs": arguments.runs,
            "megabytes_a_second": {name: round(statistics.median(found), 2) for name, found in rates.items()},
            "ratio_of_gpt2kit": {
                name: round(statistics.median(a / b for a, b in zip(rates["gpt2kit"], found, strict=True)), 2)
                for name, found in rates.items()
            },
        },
    )


if __name__ == "__main__":
    main()
