"""Which process of the tests gets which: xdist's `--dist loadgroup`, at a cost that does not grow with what is done.

xdist 3.8 counts at each test's end through all that its process has had, and looks for each test in the list of all.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]  # it says none
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # it has no types


class Distributing(LoadGroupScheduling):  # type: ignore[misc]  # as above
    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        self._places: dict[WorkerController, dict[str, int]] = {}

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        name = self.registered_collections[node][item_index]
        group = self._split_scope(name)
        unit = self.assigned_work[node][group]
        unit[name] = True
        if all(unit.values()):
            del self.assigned_work[node][group]
        self._reschedule(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node not in self._places:
            self._places[node] = {name: place for place, name in enumerate(self.registered_collections[node])}
        group, unit = self.workqueue.popitem(last=False)
        self.assigned_work.setdefault(node, {})[group] = unit
        node.send_runtest_some([self._places[node][name] for name, is_done in unit.items() if not is_done])
