"""The decisions on threads, on scripted machines: no clock and no other program is involved."""

import itertools
from collections.abc import Callable, Mapping

from gpt2kit.model.sharing import Setting, Sharing, Window

FULL, SLEEPING, ONE = Setting(2, False), Setting(2, True), Setting(1, True)

Rates = Mapping[Setting, float]

ALONE: Rates = {FULL: 6500, SLEEPING: 5200, ONE: 3700}
BESIDE_ONE: Rates = {FULL: 1100, SLEEPING: 2300, ONE: 3300}
"""Tokens a second beside one busy process, as they were measured."""


def lived(
    sharing: Sharing,
    seconds: float,
    rates: Rates,
    room: Callable[[Setting], float | None],
    lost: Callable[[Setting], float | None] = lambda setting: None,
) -> list[Setting]:
    """The setting of each step of some seconds on a machine; a step has 1,000 tokens."""
    used = []
    while seconds > 0:
        used.append(sharing.setting)
        step = 1000 / rates[sharing.setting]
        sharing.add(Window(1, step, 1000, room(sharing.setting), lost(sharing.setting)))
        seconds -= step
    return used


def free(setting: Setting) -> float:
    return 1.97


def beside_one(setting: Setting) -> float:
    return 1.3 if setting.threads == 2 else 1.0


def tokens(used: list[Setting], rates: Rates) -> float:
    """Of the tokens a second of the best setting, the share that was reached."""
    seconds = sum(1000 / rates[setting] for setting in used)
    return 1000 * len(used) / seconds / max(rates.values())


def test_nothing_changes_on_a_free_machine() -> None:
    assert set(lived(Sharing(2, 2), 3600, ALONE, free)) == {FULL}


def test_a_moment_of_other_work_changes_no_number() -> None:
    """Threads may sleep for a while, but there are as many."""
    sharing = Sharing(2, 2)
    used = lived(sharing, 3, BESIDE_ONE, beside_one) + lived(sharing, 60, ALONE, free)
    assert {setting.threads for setting in used} == {2}
    assert used[-1] == FULL


def test_beside_a_busy_process_the_best_setting_is_found_and_kept() -> None:
    sharing = Sharing(2, 2)
    used = lived(sharing, 30, BESIDE_ONE, beside_one)
    assert used[0] == FULL
    assert used[3] == SLEEPING, "first what changes no number"
    assert sharing.chosen == ONE
    later = lived(sharing, 600, BESIDE_ONE, beside_one)
    assert tokens(later, BESIDE_ONE) > 0.98, "looking at other settings costs little"


def test_the_usual_setting_is_back_soon_after_the_machine_is_free() -> None:
    sharing = Sharing(2, 2)
    lived(sharing, 60, BESIDE_ONE, beside_one)
    assert sharing.setting == ONE
    used = lived(sharing, 60, ALONE, free)
    assert used[10] == FULL
    assert set(used[10:]) == {FULL}
    assert lived(sharing, 10, BESIDE_ONE, beside_one)[3] == SLEEPING, "and is left as soon as it is busy again"


def test_all_threads_stay_if_fewer_are_not_clearly_faster() -> None:
    rates = {FULL: 700, SLEEPING: 2500, ONE: 2600}
    sharing = Sharing(2, 2)
    lived(sharing, 300, rates, lambda setting: 0.9)
    assert sharing.chosen == SLEEPING


def test_spinning_threads_stay_if_they_are_faster_all_the_same() -> None:
    """Other work that hardly disturbs: sleeping was tried, and is not tried all the time."""
    rates = {FULL: 6000.0, SLEEPING: 5000.0, ONE: 3700.0}
    sharing = Sharing(2, 2)
    lived(sharing, 15, rates, lambda setting: 1.6)
    assert sharing.chosen == FULL
    later = lived(sharing, 600, rates, lambda setting: 1.6)
    assert later.count(FULL) > 0.9 * len(later)


def test_a_fixed_number_of_threads_is_kept() -> None:
    sharing = Sharing(2, 2, may_shrink=False)
    used = lived(sharing, 600, BESIDE_ONE, beside_one)
    assert set(used) == {FULL, SLEEPING}
    assert sharing.setting == SLEEPING


def test_without_sleeping_there_are_fewer_threads() -> None:
    one = Setting(1, False)
    sharing = Sharing(2, 2, may_sleep=False)
    used = lived(sharing, 60, {FULL: 1100, one: 3300}, beside_one)
    assert set(used) == {FULL, one}
    assert sharing.chosen == one


def test_on_many_cores_the_others_are_left_theirs() -> None:
    rates = {Setting(16, False): 4000, Setting(16, True): 9000, Setting(12, True): 11000}
    sharing = Sharing(16, 16)
    lived(sharing, 120, rates, lambda setting: 12.2)
    assert sharing.chosen == Setting(12, True)


def test_threads_that_need_only_a_part_of_the_cores_are_not_disturbed_by_others() -> None:
    """Four threads beside four busy processes on 16 cores."""
    sharing = Sharing(4, 16)
    assert set(lived(sharing, 60, {Setting(4, False): 5000}, lambda setting: 12.0)) == {Setting(4, False)}


def test_a_few_threads_of_many_cores_notice_that_all_are_taken() -> None:
    sharing = Sharing(2, 64)
    lived(sharing, 30, BESIDE_ONE, beside_one)
    assert sharing.chosen == ONE


def test_others_of_a_lower_priority_are_no_reason_for_anything() -> None:
    """They take the time that sleeping threads leave, but none from spinning ones."""

    def room(setting: Setting) -> float:
        return 1.97 if setting == FULL else 1.4

    sharing = Sharing(2, 2)
    sharing.look(1.0)
    used = lived(sharing, 60, ALONE, room, lambda setting: 0.01)
    assert used[0] == SLEEPING
    assert set(used[10:]) == {FULL}


def test_what_looks_free_and_is_not_is_tried_less_and_less() -> None:
    sharing = Sharing(2, 2)
    rates = {FULL: 4000, SLEEPING: 5000, ONE: 3000}
    used = lived(sharing, 600, rates, lambda setting: 1.3, lambda setting: 0.01)
    changes = sum(before != now for before, now in itertools.pairwise(used))
    assert changes < 60
    assert used.count(SLEEPING) > 0.9 * len(used)


def test_where_the_system_does_not_say_how_busy_it_is_nothing_changes() -> None:
    assert set(lived(Sharing(2, 2), 60, BESIDE_ONE, lambda setting: None)) == {FULL}


def test_a_program_that_starts_on_a_busy_machine_begins_with_sleeping_threads() -> None:
    sharing, other = Sharing(2, 2), Sharing(2, 2, may_sleep=False)
    sharing.look(1.2)
    other.look(1.2)
    assert (sharing.setting, other.setting) == (SLEEPING, FULL)
    sharing = Sharing(2, 2)
    sharing.look(1.9)
    assert sharing.setting == FULL
