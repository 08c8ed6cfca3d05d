"""Puts off what Beam, TFX and TFMA import along although hardly anyone calls it.

With TFX come a Kubernetes client, IPython, NLTK and scikit-learn: a quarter of all the modules. One that is
put off is there under its name, as one that was imported is; its code is run when it is first asked for
anything. So nothing is missing to whoever does call it, and nothing else changes.
"""

import importlib
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

PUT_OFF = frozenset(
    {
        "IPython",  # by TFDV, for notebooks; and by a progress bar for them, that BigQuery's client offers
        "docker",  # by TFX, for stages in containers
        "google.cloud.pubsub",  # by Beam's connector
        "nltk",  # by TFMA's ROUGE metric and what that uses
        "nltk.stem",
        "nltk.stem.porter",
        "portalocker",  # by TFMA's BLEU metric, and itself by way of a client for Redis
        "tensorflow_model_analysis.view",  # widgets for notebooks
        "tensorflow_model_analysis.view.util",
        "tensorflow_model_analysis.view.view_types",
        "tfx.components",  # imports every component when one of them is, with Kubernetes' client
        "tqdm.notebook",
    }
)


def put_off(names: frozenset[str] = PUT_OFF) -> None:
    """From now on these modules run when they are used. Those that are imported already stay as they are."""
    if not any(isinstance(finder, _Finder) and finder.names == names for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(names))


class _Finder(MetaPathFinder):
    def __init__(self, names: frozenset[str]):
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader, self.names)
        return spec


class _Later(Loader):
    """Makes the module, and has its code run by `loader` once it is asked for something."""

    def __init__(self, loader: Loader, names: frozenset[str]):
        self._loader = loader
        self._names = names
        self._running = threading.RLock()
        self._begun = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        spec.loader_state = self
        # Who asks for the files beside a module, or for its source, asks the loader that knows them.
        spec.loader = module.__loader__ = self._loader
        module.__class__ = _PutOff

    def attribute(self, module: ModuleType, name: str) -> Any:
        """What the module's code defines; a submodule that is put off as well needs none of that code."""
        if (submodule := f"{module.__name__}.{name}") in self._names:
            return importlib.import_module(submodule)
        with self._running:
            if not self._begun:
                self._run(module)
        return ModuleType.__getattribute__(module, name)

    def _run(self, module: ModuleType) -> None:
        self._begun = True
        try:
            self._loader.exec_module(module)
        except BaseException:
            self._begun = False
            raise
        module.__class__ = ModuleType


class _PutOff(ModuleType):
    def __getattr__(self, name: str) -> Any:  # called for what is not there yet
        later = self.__spec__.loader_state if self.__spec__ else None
        assert isinstance(later, _Later), f"{self.__name__} was not put off"
        return later.attribute(self, name)
