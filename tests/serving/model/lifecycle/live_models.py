"""The live versions of a store of small text files, each of which stands for a model."""

import asyncio
import shutil
from types import MappingProxyType

from serving.errors import StoreError
from serving.model.loader import LoadError
from serving.model.manager import Models, State
from serving.model.metrics import Metrics
from serving.model.predictor import Signature
from serving.store.manifest import Facts
from serving.versions import VersionStore


class FakePredictor:
    """Stands for a loaded version, whose file says what it would answer."""

    def __init__(self, path, version):
        self.version = version
        self.text = (path / "saved_model.pb").read_text()
        self.closed = False
        signature = Signature(name="serving_default", inputs={}, outputs={}, method_name="", definition=None)
        self.signatures = MappingProxyType({"serving_default": signature})

    def run(self, name, inputs):
        return {}

    def close(self):
        self.closed = True


class Stage:
    """A store with `push`, and the loads that were tried."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "imdb_sentiment"
        self.store = VersionStore(self.root)
        self.metrics = Metrics("imdb_sentiment")
        self.loads = []
        self.broken = set()
        self.during_load = lambda: None

    def push(self, text):
        model = self.folder / "model"
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir()
        (model / "saved_model.pb").write_text(text)
        return self.store.push(model, Facts()).version

    def damage(self, number):
        (self.root / str(number) / "saved_model.pb").write_text("X" * 5)

    def load(self, path, version):
        self.loads.append(version)
        self.during_load()
        if version in self.broken:
            raise LoadError("no variables in it")
        return FakePredictor(self.root / path, version)

    def models(self, **options):
        options = {"name": "imdb_sentiment", "load": self.load, "metrics": self.metrics} | options
        return Models(self.store, **options)

    def count(self, name):
        return self.metrics.registry.get_sample_value(name, {"model_name": "imdb_sentiment"})


def told(models):
    return {status.version: status.state.name for status in models.statuses()}


def live(models):
    return models.find().predictor.text


async def settled(models):
    """Waits for versions that leave."""
    while any(status.state is State.UNLOADING for status in models.statuses()):
        await asyncio.sleep(0)


def unreadable():
    raise StoreError("could not read the version store: Stale file handle")
