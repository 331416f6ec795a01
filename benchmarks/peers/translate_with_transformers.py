"""Translates the lines of a file with `generate` of transformers, as a program that is started from the shell.

    python translate_with_transformers.py RUN FILE --ending "<to-fr>" [--beams 4] [--dtype bfloat16] [--rows 64]

Prompts are sorted by length, padded on the left, and answered in batches; translations go to stdout, in the order of
the file. A search ends when as many hypotheses have ended as there are beams, which is also gpt2kit's rule.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--ending", required=True, help="the control token at the end of a prompt")
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--rows", type=int, default=64, help="prompts a batch")
    parser.add_argument("--new", type=int, default=64, help="most tokens of an answer")
    arguments = parser.parse_args()
    lines = arguments.file.read_text(encoding="utf-8").splitlines()
    tokenizer: Any = AutoTokenizer.from_pretrained(arguments.run, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model: Any = AutoModelForCausalLM.from_pretrained(arguments.run, dtype=getattr(torch, arguments.dtype)).eval()
    order = sorted(range(len(lines)), key=lambda index: -len(lines[index]))
    answers = [""] * len(lines)
    chosen: dict[str, Any] = {"num_beams": arguments.beams, "early_stopping": True} if arguments.beams > 1 else {}
    for start in range(0, len(order), arguments.rows):
        part = order[start : start + arguments.rows]
        batch = tokenizer([lines[index] + arguments.ending for index in part], return_tensors="pt", padding=True)
        found = model.generate(
            **batch, max_new_tokens=arguments.new, do_sample=False, pad_token_id=tokenizer.pad_token_id, **chosen
        )
        texts = tokenizer.batch_decode(found[:, batch.input_ids.size(1) :], skip_special_tokens=True)
        for index, text in zip(part, texts, strict=True):
            answers[index] = text.strip()
    print("\n".join(answers))


if __name__ == "__main__":
    main()
