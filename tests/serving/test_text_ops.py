"""Which ops of tensorflow-text a SavedModel uses, and what is said where the package is missing."""

import ast
import importlib.util
import sys

import processes
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from text_modules import sentencepiece_module

from serving import text_ops
from serving.model.loader import LoadError, load, load_parts

INSTALLED = importlib.util.find_spec(sentencepiece_module.PACKAGE) is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason="needs tensorflow-text: TEXT=1 make setup")


def graph_of(*ops, in_function=()):
    """The content of a saved_model.pb, with ops in the graph and in a function of it."""
    made = saved_model_pb2.SavedModel()
    meta_graph = made.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    for op in ops:
        meta_graph.graph_def.node.add(name=f"a/{op}", op=op)
    function = meta_graph.graph_def.library.function.add()
    function.signature.name = "SentencepieceOp_like_name"
    for op in in_function:
        function.node_def.add(name=op, op=op)
    return made.SerializeToString()


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        (graph_of("Placeholder", "SentencepieceOp"), ("SentencepieceOp",)),
        (
            graph_of(in_function=("SentencepieceTokenizeOp", "TFText>RoundRobinTrim", "Identity")),
            ("SentencepieceTokenizeOp", "TFText>RoundRobinTrim"),
        ),
        (graph_of("CaseFoldUTF8", in_function=("CaseFoldUTF8",)), ("CaseFoldUTF8",)),
        (graph_of("StringSplitV2", "RaggedTensorToTensor", "OwnOp"), ()),
        (b"", ()),
        (b"not a protobuf", ()),
    ],
)
def test_ops_are_found_in_the_graph_and_in_its_functions(graph, found):
    assert text_ops.ops_in(graph) == found


def test_no_op_of_tensorflow_has_one_of_the_names():
    names = {name for name in dir(tf.raw_ops) if not name.startswith("_")}
    assert "RaggedTensorToTensor" in names
    assert not text_ops.OPS & names


@pytest.fixture
def without_package(monkeypatch):
    monkeypatch.setitem(sys.modules, sentencepiece_module.PACKAGE, None)


@pytest.fixture
def needy(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(graph_of("SentencepieceOp", "NormalizeUTF8"))
    return tmp_path


@pytest.mark.usefixtures("without_package")
@pytest.mark.parametrize("reader", [load, load_parts])
def test_a_model_that_needs_the_package_names_it(needy, reader):
    with pytest.raises(LoadError) as caught:
        reader(str(needy))
    assert str(caught.value) == (
        "it uses ops of tensorflow-text (NormalizeUTF8, SentencepieceOp), and the package is not installed "
        "here. Install tensorflow-text of TensorFlow's version: TEXT=1 make setup, or the extra text116 or "
        "text121 of a wheel."
    )


def test_the_check_before_a_run_needs_no_tensorflow(needy):
    code = (
        "import sys, pathlib; sys.modules['tensorflow_text'] = None\n"
        "from serving import text_ops\n"
        "try: text_ops.require_for(pathlib.Path(sys.argv[1]))\n"
        "except text_ops.MissingTextOps as error: print(error)\n"
        "assert 'tensorflow' not in sys.modules"
    )
    done = processes.python("-c", code, str(needy))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("it uses ops of tensorflow-text (NormalizeUTF8, SentencepieceOp), and ")


def test_other_folders_are_left_to_the_loader(tmp_path):
    text_ops.require_for(tmp_path)
    text_ops.load_for(str(tmp_path / "nowhere"))
    (tmp_path / "saved_model.pb").write_bytes(graph_of("Placeholder"))
    text_ops.require_for(tmp_path)
    text_ops.load_for(str(tmp_path))


ALL_OPS = """
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session as session
from serving import text_ops

def registered():
    found = op_def_pb2.OpList.FromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
    return {op.name for op in found.op}

before = registered()
text_ops._load_libraries()
after = registered()
import tensorflow_text
assert registered() == after, registered() - after
print(*sorted(after - before))
"""


@needs_package
@pytest.mark.proof
def test_the_libraries_bring_every_op_of_the_package_and_the_names_are_known():
    done = processes.python("-c", ALL_OPS, PYTHONPATH=sentencepiece_module.python_path())
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.split())
    assert {op for op in found if not op.startswith("TFText>")} == text_ops.OPS


LOADS = """
import sys, numpy as np
sys.modules["tf_keras"] = None # as for a model server
from serving.model.loader import load
model = load(sys.argv[1])
print(model.run("serving_default", {"text": np.array(["很好看".encode(), b""], object)})["output_0"].tolist())
assert "tensorflow_text" not in sys.modules
"""


@needs_package
@pytest.mark.proof
def test_a_fresh_process_loads_a_model_with_a_sentencepiece_tokenizer_and_without_keras(tmp_path):
    folder = sentencepiece_module.save(tmp_path / "module")
    done = processes.python("-c", LOADS, str(folder), PYTHONPATH=sentencepiece_module.python_path())
    assert done.returncode == 0, done.stderr
    first, nothing = ast.literal_eval(done.stdout)
    assert any(first) and not any(nothing)
