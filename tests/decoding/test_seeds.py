"""Seeds: drawn where a call samples and names none, and fixed where outputs are compared."""

from dataclasses import replace

from gpt2kit.config import LARGEST_SEED, GenerateConfig
from gpt2kit.decoding.seeds import BELOW, of_samples, reproducible, seeds, with_seed

SAMPLED = GenerateConfig(temperature=1.0)


def test_a_seed_is_drawn_for_each_call_that_samples() -> None:
    drawn = {with_seed(SAMPLED).seed for _ in range(20)}
    assert len(drawn) > 15
    assert all(isinstance(seed, int) and 0 <= seed < BELOW for seed in drawn)
    assert BELOW + 1_000_000 < LARGEST_SEED, "the seed of any input can be given"


def test_a_seed_that_is_named_is_kept() -> None:
    assert with_seed(replace(SAMPLED, seed=7)).seed == 7
    assert reproducible(replace(SAMPLED, seed=7)).seed == 7


def test_nothing_is_drawn_where_nothing_is_sampled() -> None:
    assert {with_seed(GenerateConfig()).seed for _ in range(5)} == {0}


def test_comparisons_use_one_seed() -> None:
    assert {reproducible(SAMPLED).seed for _ in range(5)} == {0}


def test_input_number_i_has_the_seed_plus_i() -> None:
    assert seeds(replace(SAMPLED, seed=7), [0, 1, 5]) == [7, 8, 12]


def test_the_samples_of_an_input_have_seeds_of_their_own() -> None:
    """The first one that of the input, and none that of a neighbor, whose seed is the next number."""
    found = [seed for number in range(50) for seed in of_samples(7 + number, 16)]
    assert len(set(found)) == len(found)
    assert of_samples(7, 16)[:4] == of_samples(7, 4)
    assert of_samples(7, 1) == [7]
    assert all(0 <= seed <= LARGEST_SEED for seed in found), "torch takes the lower 32 bits"
