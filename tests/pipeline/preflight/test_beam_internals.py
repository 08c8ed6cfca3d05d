"""Beam's and argparse's private names that the check of `beam.options` uses are as it uses them."""

import argparse
import inspect

from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

PAGE = "see docs/private-apis.md and pipeline/engine/beam_runner.py"


def test_a_group_of_options_adds_them_to_a_parser():
    add = getattr(SetupOptions, "_add_argparse_args", None)
    assert add is not None, f"Beam's options have no _add_argparse_args any more; {PAGE}"
    assert list(inspect.signature(add).parameters) == ["parser"], f"_add_argparse_args takes more; {PAGE}"
    assert SetupOptions in PipelineOptions.__subclasses__(), f"Beam's options are found otherwise; {PAGE}"


def test_a_parser_keeps_its_options():
    parser = argparse.ArgumentParser(add_help=False)
    SetupOptions._add_argparse_args(parser)
    actions = getattr(parser, "_actions", None)
    assert actions, f"argparse's parser has no _actions any more; {PAGE}"
    names = {option for action in actions for option in action.option_strings}
    assert "--requirements_file" in names, f"argparse's _actions are something else; {PAGE}"
