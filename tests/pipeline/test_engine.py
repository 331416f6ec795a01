"""The engine: what a notebook holds, and that its folder is Hugging Face's too."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import DataError, MachineError, RecipeError, UserError
from gpt2kit.model import hf
from gpt2kit.model.vocabulary import grow_vocabulary
from gpt2kit.pipeline import engine
from gpt2kit.pipeline.engine import Engine
from gpt2kit.tasks.translate import Sentence

WANTED = {
    "I am a student": "je suis étudiant",
    "let them eat cake": "qu'ils mangent du gâteau",
    "good morning": "bonjour",
    "two lines": "un\ndeux",
}


@pytest.fixture(scope="module")
def fr(by_heart: Path) -> Engine:
    return gpt2kit.load(by_heart)


@pytest.fixture
def copied(by_heart: Path, tmp_path: Path) -> Path:
    """A run folder to damage."""
    return Path(shutil.copytree(by_heart, tmp_path / "run"))


def test_a_text_gives_a_text_and_a_list_a_list(fr: Engine) -> None:
    assert fr("good morning") == "bonjour"
    assert fr(list(WANTED)) == list(WANTED.values())
    assert fr(["good morning"]) == ["bonjour"]
    assert fr([]) == []


GENERATE = """
import runpy, sys
sys.argv[0] = "gpt2kit"
try:
    runpy.run_module("gpt2kit", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(name for name in UNNEEDED if name in sys.modules))
"""
UNNEEDED = ("torch._dynamo", "sympy", "transformers", "datasets", "sklearn", "matplotlib")


@pytest.mark.parametrize("run", ["translate", "labelled", "summarize", "lm", "music"])
def test_decoding_does_not_import_what_it_does_not_need(
    run_of: Callable[..., Path], run: str, fresh: Callable[..., str], tmp_path: Path
) -> None:
    """Above all torch's compiler, which building a model on the meta device would import: half of the start-up."""
    task, folder = "finetune" if run == "labelled" else run, run_of(run)
    given = (
        ["--seconds", "3", "--temperature", "1", "--seed", "1", "--out", str(tmp_path / "made.mid")]
        if run == "music"
        else ["A dog."]
    )
    printed = fresh(f"UNNEEDED = {UNNEEDED}\n{GENERATE}", task, "generate", "--run", str(folder), *given)
    drawn = "matplotlib" if run == "music" else ""  # it draws the piano roll
    assert printed.split("\n")[-2] == drawn


def test_blank_sources_have_empty_answers(fr: Engine) -> None:
    assert fr(["", "good morning", "  ", "\n"]) == ["", "bonjour", "", ""]
    assert fr("") == ""
    assert list(fr.stream(" ")) == []


def test_pieces_join_to_the_answer(fr: Engine) -> None:
    for source, target in WANTED.items():
        pieces = list(fr.stream(source))
        assert len(pieces) > 1
        assert "".join(pieces) == target
        assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.parametrize("stop", ["gent d", "u g", "â", "qu'ils mangent du gâteau", "not there", "teau"])
def test_a_stop_text_ends_an_answer_wherever_tokens_end(fr: Engine, stop: str) -> None:
    source = "let them eat cake"
    expected = WANTED[source].partition(stop)[0]
    assert fr(["good morning", source], stop=["bonbon", stop]) == ["bonjour", expected]
    assert fr(source, stop=[stop]) == expected
    assert "".join(fr.stream(source, stop=[stop])) == expected
    (result,) = fr.results([fr.task.parse(source)], fr.configured({"stop": [stop]}))
    assert result.finished
    assert fr.task.decode(result.ids[0]).startswith(expected), "the ids end with the stop text"
    assert len(result.ids[0]) <= len(fr.task.encode_target(WANTED[source]))


def test_beam_search_has_no_stop_texts(fr: Engine) -> None:
    with pytest.raises(RecipeError, match="beam search does not support stop: set beams = 1"):
        fr("good morning", beams=2, stop=["x"])


def test_a_limit_never_cuts_within_a_character(fr: Engine) -> None:
    source, target = "I am a student", "je suis étudiant"
    ids = fr.task.encode_target(target)
    assert any(fr.task.decode(ids[:count]).endswith("\ufffd") for count in range(len(ids))), "é has two tokens"
    for count in range(1, len(ids) + 1):
        answer = fr(source, max_new_tokens=count)
        assert answer == "".join(fr.stream(source, max_new_tokens=count))
        assert target.startswith(answer)
        assert fr.task.decode(ids[:count]) in (answer, f"{answer}\ufffd")


@pytest.mark.parametrize(
    ("settings", "limit"),
    [({"max_new_tokens": 3}, "max_new_tokens"), ({"max_ratio": 0.01, "ban_ids": (0,)}, "max_ratio"), ({}, "")],
)
def test_an_unfinished_answer_names_its_limit(fr: Engine, settings: dict[str, Any], limit: str) -> None:
    eos = fr.task.vocabulary.eos
    settings = {key: [eos] if key == "ban_ids" else value for key, value in settings.items()}
    (result,) = fr.results([fr.task.parse("let them eat cake")], fr.configured(settings))
    assert (result.limit, result.finished) == (limit, not limit)


def test_the_window_is_a_limit(fr: Engine) -> None:
    settings = {"ban_ids": [fr.task.vocabulary.eos], "max_new_tokens": 32, "max_ratio": 0}
    (result,) = fr.results([fr.task.parse("word " * 12)], fr.configured(settings))
    assert result.limit in ("window", "max_new_tokens")
    (result,) = fr.results([fr.task.parse("a " * 12)], fr.configured(settings | {"max_new_tokens": 1000}))
    assert result.limit == "window"


def test_sampling_without_a_seed_differs_and_says_its_seed(fr: Engine) -> None:
    sources = [fr.task.parse(source) for source in ("I am a student", "let them eat cake")]
    config = fr.configured({"temperature": 5.0, "max_new_tokens": 12})
    first, second = list(fr.results(sources, config)), list(fr.results(sources, config))
    assert first[0].seed is not None
    assert [first[0].seed, first[0].seed + 1] == [result.seed for result in first]
    assert [result.outputs for result in first] != [result.outputs for result in second]
    again = fr("let them eat cake", temperature=5.0, max_new_tokens=12, seed=first[1].seed)
    assert again == first[1].outputs[0]
    assert [result.seed for result in fr.results(sources)] == [None, None], "nothing is drawn"


def test_temperature_0_turns_off_the_limits_of_sampling(fr: Engine) -> None:
    """Those that a recipe sets; not those of the same call."""
    limited = Engine(fr.task, fr.model, fr.configured({"temperature": 1.0, "top_k": 3, "top_p": 0.5, "seed": 1}))
    assert limited("let them eat cake", temperature=0) == fr("let them eat cake")
    assert limited.configured({"temperature": 0.5}).top_k == 3
    with pytest.raises(UserError, match="top_k and top_p need a temperature above 0"):
        limited("let them eat cake", temperature=0, top_p=0.5)


def test_log_probabilities_are_those_of_the_whole_text(fr: Engine) -> None:
    """By the model's own distribution: temperature and top-k do not change them."""
    texts = [*WANTED]
    for settings in ({}, {"temperature": 0.5, "top_k": 3, "seed": 1}, {"beams": 2}):
        config = fr.configured(settings | {"dtype": "fp32"})
        found = list(fr.results([fr.task.parse(text) for text in texts], config, scored=True))
        for text, result in zip(texts, found, strict=True):
            prompt = fr.task.encode_source(fr.task.parse(text))
            ids = [*result.ids[0], *[fr.task.vocabulary.eos] * result.finished]
            with torch.no_grad():
                likely = fr.model(torch.tensor([[*prompt, *ids[:-1]]]))[0, len(prompt) - 1 :].log_softmax(-1)
            expected = sum(float(likely[place, id]) for place, id in enumerate(ids))
            assert result.log_probabilities[0] == pytest.approx(expected, abs=1e-3)
            assert result.scores[0] == pytest.approx(expected / ((5 + len(ids)) / 6) ** 0.6, abs=1e-3)
    assert [result.log_probabilities for result in fr.results([fr.task.parse("good morning")])] == [[None]]


def test_beams_cannot_be_streamed(fr: Engine) -> None:
    with pytest.raises(UserError, match="beams = 2: beam search cannot be streamed; set beams = 1"):
        next(fr.stream("good morning", beams=2))


def test_settings_hold_for_one_call(fr: Engine) -> None:
    limited = fr("let them eat cake", max_new_tokens=2)
    assert limited
    assert WANTED["let them eat cake"].startswith(limited)
    assert fr("let them eat cake") == WANTED["let them eat cake"]
    assert fr("good morning", beams=3) == "bonjour"
    with pytest.raises(RecipeError, match=r"unknown key generate\.beam; did you mean beams\?"):
        fr("good morning", beam=3)
    with pytest.raises(RecipeError, match="beam search does not sample"):
        fr("good morning", beams=3, temperature=1)


def test_sampling_is_the_seed_s(fr: Engine) -> None:
    texts = [*WANTED] * 2
    settings: dict[str, Any] = {"temperature": 3.0, "max_new_tokens": 8}
    first = fr(texts, **settings, seed=1)
    assert first == fr(texts, **settings, seed=1)
    assert first != fr(texts, **settings, seed=2)
    assert first[: len(WANTED)] != first[len(WANTED) :], "each row has a seed of its own"
    assert fr(texts, **settings, seed=1, batch_rows=1) == first


def test_results_tell_the_whole_story(fr: Engine) -> None:
    config = recipe.build_section(type(fr.config), "generate", {"beams": 3, "max_new_tokens": 32})
    found = list(fr.results([Sentence("good morning", "fr"), Sentence("", "fr")], config))
    assert found[0].outputs[0] == "bonjour"
    assert len(found[0].outputs) == len(found[0].scores) == 3
    scores = [score for score in found[0].scores if score is not None]
    assert scores == sorted(scores, reverse=True)
    assert (found[0].finished, found[0].truncated) == (True, False)
    assert found[1].outputs == [""]
    cut = next(
        iter(
            fr.results(
                [Sentence("let them eat cake", "fr")],
                recipe.build_section(type(fr.config), "generate", {"max_new_tokens": 1}),
            )
        )
    )
    assert not cut.finished


def test_a_source_longer_than_the_window_is_cut(fr: Engine) -> None:
    prompts: list[list[int]] = []
    long = Sentence("word " * 500, "fr")
    result = next(iter(fr.results([long])))
    assert result.truncated
    prompt, truncated = fr.prompt(long, fr.config)
    prompts.append(prompt)
    assert truncated
    assert prompt[-1] == fr.task.encode_source(long)[-1], "the separator stays"
    assert len(prompt) == 32, "half of the window of 64 is left to the answer"
    assert fr.task.decode_source(prompt).text == long.text[: len(fr.task.decode_source(prompt).text)]


def test_any_number_of_inputs_is_answered_in_order(fr: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WINDOW_OF_INPUTS", 3)
    texts = [*WANTED, "", *reversed(WANTED), *WANTED]
    taken = 0

    def sources() -> Any:
        nonlocal taken
        for text in texts:
            taken += 1
            yield Sentence(text, "fr")

    results = fr.results(sources())
    assert next(results).outputs == ["je suis étudiant"]
    assert taken <= 4, "answers come while inputs are still being read"
    answers = ["je suis étudiant", *(result.outputs[0] for result in results)]
    assert answers == [WANTED.get(text, "") for text in texts]


def test_the_run_folder_is_hugging_face_s(fr: Engine, by_heart: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(by_heart).eval()
    tokenizer = AutoTokenizer.from_pretrained(by_heart)
    assert tokenizer.eos_token_id == model.config.eos_token_id == fr.task.vocabulary.eos
    assert model.num_parameters() == fr.model.parameter_count()
    for source, target in WANTED.items():
        ids = fr.task.encode_source(Sentence(source, "fr"))
        assert tokenizer(f"{source}<to-fr>")["input_ids"] == ids
        prompt = torch.tensor([ids])
        with torch.inference_mode():
            torch.testing.assert_close(model(prompt).logits, fr.model(prompt), rtol=1e-4, atol=1e-4)
            answer = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=32)[
                0, len(ids) :
            ].tolist()
        assert answer == fr.task.encode_target(target)
        assert tokenizer.decode(answer, skip_special_tokens=True) == target


def test_the_package_s_door_is_the_engine(by_heart: Path) -> None:
    assert gpt2kit.load(by_heart, {"beams": 2})("good morning") == "bonjour"
    assert gpt2kit.load(str(by_heart)).config.beams == 1
    assert gpt2kit.load_recipe("translate").name == "translate"
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        gpt2kit.nonsense  # noqa: B018  # the access is what is tested


PUBLIC = """
import importlib, pkgutil, sys, types
import gpt2kit

def listed():
    return sorted(name for name in dir(gpt2kit) if not name.startswith("__"))

before = {name: getattr(gpt2kit, name) for name in gpt2kit.__all__}
for module in pkgutil.walk_packages(gpt2kit.__path__, "gpt2kit."):
    if module.name != "gpt2kit.__main__":
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert error.name == "llama_cpp", error  # the one optional package that dev does not install
assert listed() == sorted(gpt2kit.__all__), listed()
for name, was in before.items():
    assert getattr(gpt2kit, name) is was, name
    kind = type if name[0].isupper() else types.FunctionType
    assert isinstance(was, kind), (name, type(was))
    assert was.__name__ == name.removesuffix("_recipe"), (name, was)
    assert was.__module__.startswith("gpt2kit."), (name, was)
run = sys.argv[1]
assert gpt2kit.load(run)("good morning") == "bonjour"
assert gpt2kit.evaluate(run).count == 4
"""


def test_public_names_stay_what_they_are(by_heart: Path, tmp_path: Path, fresh: Callable[..., str]) -> None:
    """Whatever else of the package is imported; in a process of its own, as this one has imported much already."""
    fresh(PUBLIC, str(by_heart))
    assert (tmp_path / "fresh-stderr").read_text(encoding="utf-8") == ""
    listed = "import sys, gpt2kit; print(*(name for name in dir(gpt2kit) if name[:2] != '__'), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*sorted(gpt2kit.__all__), "False"], "PyTorch is imported when it is needed"


def test_task_settings_are_checked(by_heart: Path) -> None:
    with pytest.raises(UserError, match="does not translate into 'de'; accepted: fr"):
        gpt2kit.load(by_heart, to="de")("good morning")
    with pytest.raises(RecipeError, match=r"unknown key task\.too; did you mean to\?"):
        gpt2kit.load(by_heart, too="de")
    with pytest.raises(RecipeError, match="'!' is not a language code"):
        gpt2kit.load(by_heart, to="!")


def test_an_unknown_device_is_the_machine_s_fault(by_heart: Path) -> None:
    for name in ("tpu", "cuda:99", "nonsense"):
        with pytest.raises(MachineError, match=name) as caught:
            gpt2kit.load(by_heart, {"device": name})
        assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "task.json", "recipe.toml"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as caught:
        gpt2kit.load(copied)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "task.json"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_half_written_file_is_named(copied: Path, name: str, share: float) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        gpt2kit.load(copied)


def test_a_leftover_of_a_crashed_save_does_no_harm(copied: Path) -> None:
    (copied / ".model.safetensors.0badc0de.tmp").write_bytes(b"half")
    assert gpt2kit.load(copied)("good morning") == "bonjour"


def test_a_web_page_saved_as_config_is_refused(copied: Path) -> None:
    (copied / "config.json").write_text("<!doctype html>", encoding="utf-8")
    with pytest.raises(DataError, match=r"config\.json is not a JSON file"):
        gpt2kit.load(copied)


def test_another_tokenizer_is_refused(copied: Path) -> None:
    Bpe.train(iter(["guten Morgen", "buongiorno"]), 290, ["<to-fr>"]).save(copied, 64)
    with pytest.raises(DataError, match=r"its tokenizer is .*: the tokenizer files were replaced"):
        gpt2kit.load(copied)


def test_weights_of_another_vocabulary_are_refused(copied: Path) -> None:
    model = hf.load(copied)
    grow_vocabulary(model, model.vocab_size + 1)
    hf.save(copied, model, 0)
    with pytest.raises(
        DataError, match=rf"the model has {model.vocab_size} tokens and the tokenizer {model.vocab_size - 1}: they"
    ):
        gpt2kit.load(copied)


def test_a_run_without_weights_yet_says_why(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"has no model\.safetensors yet"):
        gpt2kit.load(copied)
    written = (copied / "recipe.toml").read_text(encoding="utf-8")
    assert "lora = 0\n" in written
    (copied / "recipe.toml").write_text(written.replace("lora = 0\n", "lora = 2\n"), encoding="utf-8")
    with pytest.raises(DataError, match=r"has no adapter_model\.safetensors yet"):
        gpt2kit.load(copied)
    with pytest.raises(DataError, match="nowhere is not a directory"):
        gpt2kit.load(copied / "nowhere")


def test_a_copy_needs_nothing_but_itself(by_heart: Path, tmp_path: Path, examples: Callable[[str], Any]) -> None:
    """Neither the data folder nor the place where it was trained."""
    moved = Path(shutil.copytree(by_heart, tmp_path / "somewhere" / "élève"))
    described = json.loads((moved / "run.json").read_text(encoding="utf-8"))
    (moved / "run.json").write_text(json.dumps(described | {"data": "/nowhere"}), encoding="utf-8")
    assert gpt2kit.load(moved)([source for source, _ in examples("translate").PAIRS]) == list(WANTED.values())
