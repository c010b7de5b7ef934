"""The state machine: what may follow what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.states import FINAL_STATES, NOT_YET_ROLLING_OUT, TRANSITIONS, ReleaseState


def test_every_state_says_what_may_follow_it() -> None:
    assert set(TRANSITIONS) == set(ReleaseState)


def test_the_final_states_are_those_that_users_are_told_of() -> None:
    assert {state.value for state in FINAL_STATES} == {
        "deployed",
        "planned",
        "blocked",
        "failed",
        "rolled_back",
        "superseded",
        "cancelled",
        "rejected",
    }


def test_every_state_can_still_reach_a_final_one() -> None:
    for state in ReleaseState:
        reached, frontier = {state}, [state]
        while frontier:
            for following in TRANSITIONS[frontier.pop()] - reached:
                reached.add(following)
                frontier.append(following)
        assert reached & FINAL_STATES, state


def test_a_release_that_is_rolling_out_is_not_superseded() -> None:
    assert ReleaseState.SUPERSEDED not in TRANSITIONS[ReleaseState.DEPLOYING]
    assert all(ReleaseState.SUPERSEDED in TRANSITIONS[state] for state in NOT_YET_ROLLING_OUT)


@given(st.lists(st.sampled_from(ReleaseState), max_size=30))
def test_no_walk_leaves_a_final_state(wishes: list[ReleaseState]) -> None:
    state, ended_at = ReleaseState.ACCEPTED, None
    for wish in wishes:
        if wish in TRANSITIONS[state]:
            state = wish
        if state.is_final and ended_at is None:
            ended_at = state
    assert ended_at is None or state is ended_at
