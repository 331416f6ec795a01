"""Plans: progress never jumps and always ends at 1, and what is planned fits into the time."""

import random

import pytest

from gpt2kit.training.plan import Costs, Plan, first_interval, steps_within


def test_a_plan_that_stays_is_the_steps_themselves() -> None:
    plan = Plan(7)
    assert [plan.position(step) for step in range(8)] == list(range(8))
    assert plan.progress_at(0) == 0
    assert plan.progress_at(7) == 1


def test_planning_anew_changes_the_pace_not_the_place() -> None:
    chance = random.Random(0)
    plan, step, seen = Plan(100), 0, [0.0]
    while step < plan.total:
        if step and chance.random() < 0.2:
            before = plan.progress_at(step)
            plan = plan.replanned(step, chance.randint(1, 50))
            assert plan.progress_at(step) == pytest.approx(before)
            assert plan.total > step
        assert 0 <= plan.position(step) < plan.total
        step += 1
        seen.append(plan.progress_at(step))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    assert plan.position(step) == pytest.approx(plan.total)


@pytest.mark.parametrize(
    "costs", [Costs(0.1), Costs(0.1, 2.0), Costs(0.1, 2.0, 3.0), Costs(0.001, 30.0, 1.0), Costs(3.0, 0.0, 20.0)]
)
@pytest.mark.parametrize("budget", [90.0, 1800.0, 36000.0])
def test_what_is_planned_fits(costs: Costs, budget: float) -> None:
    every = first_interval(budget, budget, costs)
    steps = steps_within(budget, budget, costs, every, every)
    times = -(-steps // every)
    taken = steps * costs.step + times * (costs.validation + costs.save) + costs.save
    assert steps >= 1
    assert taken <= budget
    assert taken > 0.75 * budget or costs.validation + costs.save > 0.1 * budget
    assert 1 <= times <= 11
    if times > 2:
        assert times * (costs.validation + costs.save) < 0.3 * budget


def test_a_budget_that_is_used_up() -> None:
    assert steps_within(90, -5, Costs(1, 1, 1), 10, 10) < 0
    assert first_interval(90, -5, Costs(1, 100, 1)) == 1


def test_costs_follow_what_is_measured() -> None:
    costs = Costs()
    costs.learn(20.0, 10)
    assert costs.step == 2
    costs.learn(100.0, 100)
    assert 1 < costs.step < 1.1, "many steps count for more than what was known"
    costs.learn(9.0, 1)
    assert costs.step < 3, "one does not"
