"""config.json of a Hugging Face checkpoint, and the files next to it that describe its model.

Kinds of attention that transformers lacks add weights (`distance`, `compress_k`, ...; see those layers): config.json
says which layers have them, and modeling_gpt2kit.py, which is copied into the folder, computes them there.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch

from gpt2kit import files
from gpt2kit.config import ACTIVATIONS, VARIANT, GenerateConfig, ModelConfig
from gpt2kit.errors import DataError
from gpt2kit.model import checkpoint, lora, transformers_door
from gpt2kit.model.activations import ALIASES
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.generation import GREEDY, generation_settings
from gpt2kit.model.gpt2 import GPT2, INIT_STD

CONFIG, MODELING = "config.json", "modeling_gpt2kit.py"
MERGED_CONFIG = "merged_config.json"
"""config.json of the model that merging the adapters of a folder gives. It has another name, since transformers takes a
folder with config.json for a complete model, and does not look for the base of its adapters."""
CLASSIFIER = "GPT2ForSequenceClassification"
AUTO_MAP = {
    "AutoConfig": "modeling_gpt2kit.GPT2KitConfig",
    "AutoModelForCausalLM": "modeling_gpt2kit.GPT2KitForCausalLM",
    "AutoModelForSequenceClassification": "modeling_gpt2kit.GPT2KitForSequenceClassification",
}
"""The classes of MODELING that transformers uses to load a folder whose code its caller trusts."""
SAVED = sorted({key for kind in KINDS.values() for key in kind.saved})
"""Fields of ModelConfig that only kinds of attention other than GPT-2's depend on."""
ACTIVATION, EPSILON = "activation_function", "layer_norm_epsilon"
SURPLUS = "surplus_rows"
"""The key of config.json with the number of rows of the token embedding that no token has, if there are any."""


def write(
    folder: Path, model: GPT2, eos: int, *, dtype: torch.dtype = torch.float32, generate: GenerateConfig = GREEDY
) -> None:
    """Write config.json, generation_config.json and, for other attention than GPT-2's, modeling_gpt2kit.py.

    For a model with adapters, merged_config.json is written instead of the first, and transformers takes the code from
    their base. `generate` says how transformers decodes by default. Raises DataError for values that transformers
    refuses.
    """
    config, adapters = model.config, lora.adapted(model)
    surplus = 0 if model.surplus is None else len(model.surplus)
    if adapters and (folder / CONFIG).is_file() and not (folder / MERGED_CONFIG).is_file():
        with files.writing(folder / MERGED_CONFIG):  # in a run of an older version
            (folder / CONFIG).rename(folder / MERGED_CONFIG)
    if config.attention != "full" and not adapters:
        files.write_text(folder / MODELING, Path(__file__).with_name(MODELING).read_text(encoding="utf-8"))
    transformers_door.write_config(
        folder / (MERGED_CONFIG if adapters else CONFIG),
        {
            **_architecture(model, eos),
            "vocab_size": model.vocab_size + surplus,
            **({SURPLUS: surplus} if surplus else {}),
            "n_layer": config.n_layer,
            "n_head": config.n_head,
            "n_embd": config.n_embd,
            "n_inner": config.n_inner or None,
            "n_positions": config.n_positions,
            "n_ctx": config.n_positions,  # its older name, which llama.cpp's converter reads
            **{key: getattr(config, key) for key in VARIANT},
            "initializer_range": INIT_STD,
            "embd_pdrop": config.dropout,
            "resid_pdrop": config.dropout,
            "attn_pdrop": 0.0,
            "bos_token_id": eos,
            "eos_token_id": eos,
            "dtype": str(dtype).removeprefix("torch."),
        },
    )
    rows = range(model.vocab_size, model.vocab_size + surplus)
    settings = generation_settings(generate, eos, config.n_positions, rows)
    transformers_door.write_generation_config(folder / "generation_config.json", settings)


def _architecture(model: GPT2, eos: int) -> dict[str, Any]:
    """Model type, classes and labels. With other attention, transformers must not see a GPT-2: loading it as one must
    fail, not compute something else.

    The classifier is that of GPT2ForSequenceClassification, which reads the last token before the padding.
    """
    config = model.config
    named = {"id2label": dict(enumerate(model.labels)), "label2id": {name: n for n, name in enumerate(model.labels)}}
    heads: dict[str, Any] = named | {"pad_token_id": eos} if model.labels else {}
    if config.attention == "full":
        return {"architectures": [CLASSIFIER if heads else "GPT2LMHeadModel"], "model_type": "gpt2", **heads}
    architecture: dict[str, Any] = {
        "architectures": ["GPT2KitForSequenceClassification" if heads else "GPT2KitForCausalLM"],
        "model_type": "gpt2kit",
        "auto_map": AUTO_MAP,
        "use_cache": False,
        "attention": config.attention,
        **heads,
    }
    return architecture | {
        key: getattr(config, key) for key in SAVED if any(key in KINDS[kind].saved for kind in config.kinds)
    }


class Described(NamedTuple):
    """A model as its configuration describes it."""

    config: ModelConfig
    vocab_size: int
    """Without surplus rows."""
    labels: tuple[str, ...]
    """Of its classifier, if it has one."""


class ConfigFile(NamedTuple):
    """All that is read of a configuration."""

    described: Described
    surplus_rows: int
    """Rows of the token embedding that no token has, if gpt2kit wrote the folder; others do not say."""
    names_activation: bool
    """Whether the file names an activation function; otherwise it is GPT-2's."""


def read(folder: Path) -> Described:
    """The model that a folder's configuration describes. Raises the errors of `read_file`."""
    return read_file(folder).described


def read_file(folder: Path) -> ConfigFile:
    """The configuration of a folder's model.

    This is plain JSON with checks of our own, not GPT2Config: decoding starts without importing transformers, and code
    that a folder's `auto_map` names is never run. Raises DataError for a GPT-2 variant that this core does not support.
    """
    path, raw = path_of(folder), _read_json(folder)
    for key, accepted in {"model_type": ("gpt2", "gpt2kit"), "add_cross_attention": (False, None)}.items():
        if raw.get(key) not in accepted:
            raise DataError(f"{path}: {key} = {raw.get(key)!r}; expected {accepted[0]!r}, as in GPT-2")
    try:
        sizes = {key: raw[key] for key in ("n_layer", "n_head", "n_embd", "vocab_size")}
        sizes |= {"n_inner": raw.get("n_inner") or 0, "n_positions": raw.get("n_positions") or raw["n_ctx"]}
        sizes |= {key: raw.get(key, getattr(ModelConfig, key)) for key in SAVED}
        if wrong := [f"{key} = {value!r}" for key, value in sizes.items() if type(value) is not int]:
            raise DataError(f"{path}: {wrong[0]}; expected a whole number")
        surplus = _surplus(path, raw)
        vocab_size = sizes.pop("vocab_size") - surplus
        variant, kind = _variant(path, raw), str(raw.get("attention", "full"))
        config = ModelConfig(**sizes, **variant, dropout=raw.get("resid_pdrop", 0.1), attention=kind)
        named = raw.get("model_type") == "gpt2kit" or CLASSIFIER in (raw.get("architectures") or ())
        labels = sorted((raw.get("id2label") or {}).items(), key=lambda each: int(each[0])) if named else ()
        described = Described(config, vocab_size, tuple(str(name) for _, name in labels))
        return ConfigFile(described, surplus, raw.get(ACTIVATION) is not None)
    except KeyError as error:
        raise DataError(f"{path}: {error} is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: {error}") from None


def path_of(folder: Path) -> Path:
    """The file that describes the model of a folder: merged_config.json or, without adapters and in a run of an older
    version, config.json."""
    return folder / (MERGED_CONFIG if (folder / MERGED_CONFIG).is_file() else CONFIG)


def _read_json(folder: Path) -> dict[str, Any]:
    """config.json as it is. If it is missing from a folder with weights in another format, the error names these."""
    path = path_of(folder)
    if not path.is_file():
        checkpoint.check_format(folder)
    return files.read_json(path)


def _variant(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """The fields in which a model may differ from GPT-2; those that the file leaves out are GPT-2's."""
    found = {key: raw[key] for key in VARIANT if raw.get(key) is not None}
    if (name := found.get(ACTIVATION, ACTIVATIONS[0])) not in (names := (*ACTIVATIONS, *ALIASES)):
        raise DataError(f"{path}: activation_function = {name!r}; expected one of {', '.join(names)}")
    for key, value in found.items():
        kind, expected = (float, "a number above 0 and below 1") if key == EPSILON else (bool, "true or false")
        if key != ACTIVATION and type(value) is not kind:
            raise DataError(f"{path}: {key} = {value!r}; expected {expected}")
    return found | {ACTIVATION: ALIASES.get(name, name)}


def _surplus(path: Path, raw: dict[str, Any]) -> int:
    rows, of = raw.get(SURPLUS, 0), raw.get("vocab_size")
    if type(rows) is not int or rows < 0 or (type(of) is int and rows >= max(1, of)):
        raise DataError(f"{path}: {SURPLUS} = {rows!r}; expected a whole number below vocab_size = {of!r}")
    return rows


def stored_dtype(folder: Path) -> str:
    """The number type of a folder's weights, as config.json says."""
    return str(_read_json(folder).get("dtype", "float32"))
