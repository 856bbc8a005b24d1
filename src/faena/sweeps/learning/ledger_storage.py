"""The trials of a sweep as Optuna's samplers see them: a storage that holds them, and the trial that is drawn."""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence
from typing import Any, NoReturn

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState


class LedgerStorage(BaseStorage):
    """Made for one draw. A sampler reads it, and keeps what it likes in the attributes of the trial that is drawn.

    Optuna's own storage in memory numbers trials by itself and never takes one back; numbers here are the ledger's.
    """

    def __init__(
        self,
        name: str,
        directions: Sequence[StudyDirection],
        known: Sequence[FrozenTrial],
        drawn: FrozenTrial,
    ) -> None:
        self._name = name
        self._directions = list(directions)
        self._known = known
        self._drawn = drawn

    def study(self) -> optuna.Study:
        return optuna.Study(study_name=self._name, storage=self)

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return next(trial for trial in [self._drawn, *self._known] if trial._trial_id == trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = [*self._known, self._drawn]
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        if trial_id != self._drawn._trial_id:
            self._read_only()
        self._drawn.system_attrs[key] = value

    def _read_only(self) -> NoReturn:
        raise NotImplementedError("What is known of trials comes from the ledger.")

    def get_all_studies(self) -> NoReturn:
        self._read_only()

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> NoReturn:
        self._read_only()

    def delete_study(self, study_id: int) -> NoReturn:
        self._read_only()

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> NoReturn:
        self._read_only()

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> NoReturn:
        self._read_only()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> NoReturn:
        self._read_only()

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> NoReturn:
        self._read_only()

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> NoReturn:
        self._read_only()

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> NoReturn:
        self._read_only()

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> NoReturn:
        self._read_only()
