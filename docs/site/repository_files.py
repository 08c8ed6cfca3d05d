"""A hook of MkDocs: pages for the files of the repository that are not in docs/, the README first."""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
BESIDE_DOCS = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
"""Pages in the repository's root, and their places in the site."""
WIDE = {"architecture.md"}
"""Pages whose picture takes the place of the table of contents, too."""
LINK = re.compile(r"(?<=\]\()([^):#]+)(?=[#)])")
"""The file in a link to a file, without its anchor."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages beside docs/, and a page with the source of each file that a page links to."""
    for source, page in BESIDE_DOCS.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for source in sorted(set().union(*(_linked_sources(file) for file in files.documentation_pages()))):
        files.append(_source_page(source, config))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points links to files of the repository at their pages in the site."""
    if page.file.src_uri in WIDE:
        page.meta["hide"] = ["toc"]
    source = Path(page.file.abs_src_path) if page.file.abs_src_path else None
    return LINK.sub(lambda link: _in_site(source, link[1]), markdown) if source else markdown


def _in_site(page: Path, target: str) -> str:
    """A link from `page` to the file `target`, from where the page is in the site to where the file is."""
    return os.path.relpath(_place(_path(page, target)), os.path.dirname(_place(_path(page, page.name))))


def _place(path: str) -> str:
    """Where the site has a file of the repository."""
    if path in BESIDE_DOCS:
        return BESIDE_DOCS[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}.md"


def _path(page: Path, target: str) -> str:
    """The path in the repository of what `page` links to as `target`."""
    return os.path.relpath(page.parent / target, ROOT)


def _linked_sources(file: File) -> set[str]:
    page = Path(file.abs_src_path or "")
    paths = {_path(page, target) for target in LINK.findall(file.content_string)}
    return {path for path in paths if _place(path).startswith("source/") and (ROOT / path).is_file()}


def _source_page(path: str, config: MkDocsConfig) -> File:
    kind = Path(path).suffix[1:] or "text"
    content = f"# {path}\n\n````{kind}\n{(ROOT / path).read_text(encoding='utf-8')}````\n"
    return File.generated(config, f"source/{path}.md", content=content, inclusion=InclusionLevel.NOT_IN_NAV)
