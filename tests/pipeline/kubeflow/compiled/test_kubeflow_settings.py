"""What can be said of a cluster, and which settings stop a compilation before anything heavy is imported."""

import pytest
from refusals import input_error

from components.errors import GreenlightError, InputError
from components.example_gen.settings import STAGE_NAMES
from pipeline.config import load
from pipeline.kubeflow import checks
from pipeline.settings.kubeflow import KubeflowSettings


def refusal(settings):
    return input_error(checks.require_compilable, settings)


def test_the_image_and_the_pipeline_root_are_asked_for_by_name():
    assert refusal(load()) == (
        "Compiling for Kubeflow needs kubeflow.image and kubeflow.pipeline_root. Set them, such as with "
        "--set kubeflow.image=registry.example/greenlight:COMMIT "
        "--set kubeflow.pipeline_root=gs://bucket/greenlight."
    )
    without_root = load(assignments=["kubeflow.image=an/image"])
    assert refusal(without_root).startswith("Compiling for Kubeflow needs kubeflow.pipeline_root. Set them")


def test_with_both_it_compiles(settings):
    checks.require_compilable(settings())


@pytest.mark.parametrize(
    ("assignment", "named"),
    [
        ("data.source=files:reviews/*.csv", "data.source = 'reviews/*.csv'"),
        ("data.source=spans", "data.source = 'workspace/spans/span-{SPAN}/*'"),
        ("data.tfds_data_dir=tfds", "data.tfds_data_dir = 'tfds'"),
        ("push.signing_key=keys/key.pem", "push.signing_key = 'keys/key.pem'"),
        ("push.public_key=key.pub", "push.public_key = 'key.pub'"),
        ("embedding.name=./module", "embedding.name = './module'"),
        ("embedding.name=module", "embedding.name = 'module'"),
        ("embedding.name=./absent", "embedding.name = './absent'"),
    ],
)
def test_a_relative_path_is_refused_by_its_key(settings, tmp_path, monkeypatch, assignment, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "saved_model.pb").touch()
    assert refusal(settings(assignment)) == (
        f"{named}: a relative path cannot be found in a pod. Give an address such as gs://bucket/..., or the "
        "absolute path of what is in the image or mounted."
    )


VOLUME = 'kubeflow.volumes={"/models"="a-claim"}'


def test_versions_need_a_place_that_the_store_opens(settings):
    root = "minio://mlpipeline/v2"
    assert refusal(settings(f"kubeflow.pipeline_root={root}")).startswith(
        f"kubeflow.serving_root is not set, and the version store cannot be in {root}, which only KFP's "
        "launcher opens. Give a gs:// or s3:// address, or the folder of a volume: "
        "--set kubeflow.serving_root=/models "
    )
    for store in ("gs://models", "s3://models"):
        checks.require_compilable(
            settings(f"kubeflow.pipeline_root={root}", f"kubeflow.serving_root={store}")
        )


def test_versions_are_kept_under_a_root_on_s3_unless_it_has_options_of_the_launcher(settings):
    on_s3 = settings("kubeflow.pipeline_root=s3://bucket/root")
    checks.require_compilable(on_s3)
    assert on_s3.kubeflow.store_for("imdb") == "s3://bucket/root/serving/imdb"
    options = "kubeflow.pipeline_root=s3://bucket/root?region=eu-north-1"
    assert "has options of KFP's launcher, which the version store does not read" in refusal(
        settings(options)
    )
    checks.require_compilable(settings(options, "kubeflow.serving_root=s3://bucket/models"))


@pytest.mark.parametrize("root", ["/models2", "/", "/data/models"])
def test_a_folder_that_no_volume_keeps_is_refused(settings, root):
    assert refusal(settings(f"kubeflow.serving_root={root}", VOLUME)).startswith(
        f"kubeflow.serving_root = {root!r} is in no volume, so that each version would end with its pod."
    )


@pytest.mark.parametrize("root", ["/models", "/models/reviews"])
def test_a_folder_of_a_volume_keeps_versions(settings, root):
    checks.require_compilable(settings(f"kubeflow.serving_root={root}", VOLUME))


def test_a_volume_is_found_however_its_folder_is_written(settings):
    slashed = settings('kubeflow.volumes={"/models/"="a-claim"}', "kubeflow.serving_root=/models/reviews/")
    checks.require_compilable(slashed)
    assert (dict(slashed.kubeflow.volumes), slashed.kubeflow.serving_root) == (
        {"/models": "a-claim"},
        "/models/reviews",
    )


@pytest.mark.parametrize("folder", ["/app", "/app/", "/srv"])
def test_a_volume_over_the_project_is_refused(settings, folder):
    project = "/srv/code" if folder == "/srv" else "/app"
    message = refusal(
        settings(f"kubeflow.project_dir={project}", f'kubeflow.volumes={{"{folder}"="a-claim"}}')
    )
    assert message == (
        f"kubeflow.volumes: a volume at {folder.rstrip('/')} hides the project, which the image has in "
        f"{project} (kubeflow.project_dir). Mount it elsewhere."
    )


@pytest.mark.parametrize("address", ["minio://bucket/a.csv", "https://example.org/a.csv"])
def test_an_address_that_tensorflow_does_not_open_is_refused(settings, address):
    assert refusal(settings(f"data.source=files:{address}")).startswith(
        f"data.source = '{address}': TensorFlow in the pod does not support this address. Give one "
    )


def test_a_training_in_several_processes_needs_their_number(settings):
    assert refusal(settings("trainer.strategy=multi_worker")) == (
        "trainer.strategy = 'multi_worker': Kubeflow gives the Trainer one pod, and no TF_CONFIG that names "
        "others. Set trainer.workers to the number of processes in it."
    )
    checks.require_compilable(settings("trainer.strategy=multi_worker", "trainer.workers=2"))


def test_a_refit_needs_a_split_for_the_gate(settings):
    assert refusal(settings("trainer.refit=true", "data.test_weight=0")).startswith(
        "trainer.refit = true: without a test split (data.test_weight = 0) the gate judges on eval"
    )
    checks.require_compilable(settings("trainer.refit=true"))


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["beam.runner=Nope"], "beam.runner = 'Nope': Beam has no such runner."),
        (["beam.runner=PortableRunner"], "beam.options: PortableRunner needs --job_endpoint=HOST:PORT"),
        (
            ["beam.runner=flink"],
            "beam.runner = 'flink' starts a job server on this machine, and a pod",
        ),
        (
            ["beam.runner=spark"],
            "beam.runner = 'spark' starts a job server on this machine, and a pod",
        ),
        (['beam.options=["--nope=1"]'], "beam.options: unknown Beam option --nope."),
    ],
)
def test_beam_settings_that_no_stage_could_run_with_are_refused(settings, assignments, message):
    assert refusal(settings(*assignments)).startswith(message)


def test_a_job_server_that_only_the_cluster_reaches_is_not_asked(settings):
    checks.require_compilable(
        settings("beam.runner=PortableRunner", 'beam.options=["--job_endpoint=beam.cluster.local:8099"]')
    )


@pytest.mark.parametrize(
    "source",
    ["files:gs://reviews/*.csv", "files:gs://reviews/{SPAN}/*.csv", "files:/data/*.csv", "packaged", "tfds"],
)
def test_addresses_and_absolute_paths_are_taken(settings, source):
    checks.require_compilable(settings(f"data.source={source}", "push.public_key=/keys/key.pub"))


@pytest.mark.parametrize("stage", ["Pusher", "ProductionModel", "LiveModel", *STAGE_NAMES])
def test_a_stage_that_reads_state_outside_of_the_pipeline_cannot_be_cached(settings, stage):
    assert refusal(settings(f"kubeflow.cache.{stage}=true")).startswith(
        f"kubeflow.cache.{stage} = true: this stage reads state outside of the pipeline"
    )


@pytest.mark.parametrize(
    "assignments",
    [
        ['kubeflow.volumes={"/a"="claim"}', 'kubeflow.pod.secret_files={"/a"="secret"}'],
        ['kubeflow.volumes={"/a"="claim"}', 'kubeflow.pod.stages.Pusher.secret_files={"/a"="secret"}'],
    ],
)
def test_two_volumes_at_one_path_are_refused(settings, assignments):
    assert refusal(settings(*assignments)) == (
        "kubeflow.volumes and kubeflow.pod.secret_files both have /a. Kubernetes mounts one volume at a "
        "path: give one of them another."
    )


@pytest.mark.parametrize(
    "root",
    [
        "minio://mlpipeline/v2/artifacts/",
        "s3://reviews.example/greenlight",
        "s3://reviews/greenlight?region=eu-north-1&endpoint=s3.example:9000",
        "minio://mlpipeline",
    ],
)
def test_addresses_that_the_launcher_opens_are_roots(settings, root):
    checks.require_compilable(settings(f"kubeflow.pipeline_root={root}", "kubeflow.serving_root=gs://models"))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "kubeflow.pipeline_root=/data",
            'kubeflow.pipeline_root = "/data" (from --set): expected text of the form',
        ),
        (
            "kubeflow.project_dir=app",
            'kubeflow.project_dir = "app" (from --set): expected text of the form ^/',
        ),
        ("kubeflow.pipeline_name=My_Pipe", 'kubeflow.pipeline_name = "My_Pipe" (from --set): expected'),
        ("kubeflow.retries=11", "kubeflow.retries = 11 (from --set): expected a whole number from 0 to 10"),
        ("kubeflow.resources.Trainr.cpu=4", "kubeflow.resources.Trainr"),
        ("kubeflow.resources.Trainer.cpu=0", "kubeflow.resources.Trainer.cpu = 0"),
        ("kubeflow.resources.Trainer.cpu=0.0001", "kubeflow.resources.Trainer.cpu = 0.0001"),
        ("kubeflow.resources.Trainer.memory_gib=1e9", "kubeflow.resources.Trainer.memory_gib = 1000000000"),
        (
            "kubeflow.resources.Trainer.accelerator_count=2",
            "accelerator_count is of no accelerator; expected",
        ),
        ("kubeflow.resources.Trainer.accelerator=a gpu", 'kubeflow.resources.Trainer.accelerator = "a gpu"'),
        ("kubeflow.image=Bild:ü", 'kubeflow.image = "Bild:ü" (from --set): expected text of the form'),
        ('kubeflow.volumes={"/"="a"}', "kubeflow.volumes./"),
        (
            'kubeflow.pod.env={"PYTHONPATH"="/x"}',
            "PYTHONPATH is set by the compilation; expected another name",
        ),
        ('kubeflow.pod.secret_env={"TOKEN"="hub"}', "kubeflow.pod.secret_env.TOKEN"),
        ('kubeflow.pod.secret_files={"secrets"="a"}', "kubeflow.pod.secret_files.secrets"),
        ('kubeflow.pod.tolerations=[{effect="Never"}]', "kubeflow.pod.tolerations[0].effect"),
        ('kubeflow.pod.image_pull_secrets=["No Name"]', "kubeflow.pod.image_pull_secrets[0]"),
        ('kubeflow.pod.labels={"team"="two words"}', "kubeflow.pod.labels.team"),
        ('kubeflow.volumes={"/a:b"="a"}', "kubeflow.volumes./a:b"),
        ('kubeflow.volumes={"/a/../b"="a"}', "expected a path without . and .. in it"),
        ("kubeflow.serving_root=/a/../b", "expected a path without . and .. in it"),
        (
            "kubeflow.pipeline_root=s3://Reviews/v2",
            "'Reviews' is not the name of a bucket; expected at most 63 of a-z, 0-9, dot and dash",
        ),
        ("kubeflow.pipeline_root=minio://ml_pipeline/v2", "'ml_pipeline' is not the name of a bucket"),
        (f"kubeflow.pipeline_root=s3://{'a' * 64}/v2", "is not the name of a bucket; expected at most 63"),
        ("kubeflow.pipeline_root=s3://reviews//v2", "expected a path without //, . and .. in it"),
        ("kubeflow.pipeline_root=s3://reviews/../v2", "expected a path without //, . and .. in it"),
        ("kubeflow.pipeline_root=gs://reviews/v2?a=b", "expected a bucket and a folder, with nothing behind"),
        ("kubeflow.pipeline_root=minio://reviews/v2?", "expected a bucket and a folder, with nothing behind"),
        ("kubeflow.serving_root=s3://models/v2?a=b", "expected a bucket and a folder, with nothing behind"),
        ("kubeflow.serving_root=minio://models", 'kubeflow.serving_root = "minio://models"'),
        ("kubeflow.cache.Trainr=false", "kubeflow.cache.Trainr"),
        (
            "kubeflow.resources.Trainer={cpu=1, cpu_request=2}",
            "cpu_request is above cpu; expected at most the limit",
        ),
        (
            "kubeflow.resources.Trainer={memory_gib=1, memory_request_gib=2}",
            "memory_request_gib is above memory_gib; expected at most the limit",
        ),
        (
            'kubeflow.pod.tolerations=[{key="a", value="b"}]',
            'value is only compared by Equal; expected operator = "Equal" beside it',
        ),
        (
            'kubeflow.pod.tolerations=[{operator="Equal", value="b"}]',
            "Equal compares the value of one taint; expected its key beside it",
        ),
        (
            'kubeflow.pod.tolerations=[{key="a", seconds=30}]',
            'seconds only counts for NoExecute; expected effect = "NoExecute" beside it',
        ),
        ('kubeflow.pod.node_affinity=[{key="a"}]', "In compares with values; expected values beside it"),
        (
            'kubeflow.pod.node_affinity=[{key="a", operator="Exists", values=["b"]}]',
            "Exists compares with no values; expected none",
        ),
        (
            'kubeflow.pod.node_affinity=[{key="a", operator="Gt", values=["b"]}]',
            "Gt compares with a number; expected one whole number in values",
        ),
        ('kubeflow.pod.node_affinity=[{key="a", values=["b"], weight=101}]', "node_affinity[0].weight = 101"),
        (
            'kubeflow.pod={env={"A"="1"}, secret_env={"A"="hub/a"}}',
            "A is in env and in secret_env; expected it in one of them",
        ),
        (
            'kubeflow.pod={env={"A"="1"}, stages={Trainer={secret_env={"A"="hub/a"}}}}',
            "A is in env and in secret_env; expected it in one of them",
        ),
        ('kubeflow.pod.stages.Trainr.labels={"a"="b"}', "kubeflow.pod.stages.Trainr"),
        ('kubeflow.pod.stages.Trainer.env={"PYTHONPATH"="/x"}', "PYTHONPATH is set by the compilation"),
        ("kubeflow.api.host=https://ann:secret@h", "kubeflow.api.host = "),
        ("kubeflow.api.host=https://h/pipeline/#/runs", "kubeflow.api.host = "),
        ('kubeflow.parameters=["epoch"]', 'kubeflow.parameters[0] = "epoch"'),
    ],
)
def test_a_value_that_no_cluster_takes_is_refused_when_it_is_read(assignment, message):
    with pytest.raises(InputError) as caught:
        load(assignments=[assignment])
    assert message in str(caught.value)


def test_the_pipeline_is_named_for_the_model_in_the_letters_of_kubeflow():
    assert KubeflowSettings().name_for("Imdb_sentiment.v2") == "imdb-sentiment-v2"
    assert KubeflowSettings(pipeline_name="nightly").name_for("imdb_sentiment") == "nightly"


def test_the_version_store_is_in_the_pipeline_root_unless_it_is_put_elsewhere():
    assert KubeflowSettings(pipeline_root="gs://a/b/").store_for("imdb") == "gs://a/b/serving/imdb"
    elsewhere = KubeflowSettings(pipeline_root="gs://a/b", serving_root="s3://c/")
    assert elsewhere.store_for("imdb") == "s3://c/imdb"


def test_without_kfp_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    with pytest.raises(GreenlightError) as caught:
        checks.require_kfp()
    assert caught.value.exit_code == 1
    assert str(caught.value) == (
        "Compiling for Kubeflow needs the package kfp, which is not installed. `make setup` installs it."
    )
