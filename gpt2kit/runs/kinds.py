"""The files of prepared folders and of runs, by which --overwrite knows them. Older versions wrote fewer."""

from gpt2kit.overwriting import FolderKind

TOKENIZER = ("task.json", "tokenizer.json", "tokenizer_config.json", "events.tsv")

PREPARED = FolderKind(
    "prepared data",
    marks=("task.json", "prepare.json", "train.ids"),
    patterns=(*TOKENIZER, "vocabulary.json", "prepare.json"),
    parts=(".ids", ".ends", ".prompts", ".names", ".texts", ".json"),
    numbered="-00000",
)

RUN_FILES = (
    *TOKENIZER,
    *("run.json", "recipe.toml", "data.json", "samples.json", "scores.json", "metrics.jsonl", "README.md", "proof.md"),
    *("config.json", "generation_config.json", "modeling_gpt2kit.py", "model.safetensors", "state.safetensors"),
    *("adapter_model.safetensors", "adapter_config.json", "merged_config.json"),
    *("bayes.safetensors", "tensorboard/events.out.tfevents.*", "sources/index.safetensors"),
)

STATES = ("state.json", "shard-*.safetensors")
"""The files of a sharded run's state."""

RUN = FolderKind(
    "a run",
    marks=("task.json", "run.json", "recipe.toml"),
    patterns=(
        *RUN_FILES,
        *(f"checkpoints/step-*/{name}" for name in RUN_FILES),
        *(f"states/step-*/{name}" for name in STATES),
        *("checkpoints/.step-*.tmp/*", "states/.step-*.tmp/*"),
    ),
)
