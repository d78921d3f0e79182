"""The theme replaces Flask-Admin's wholly: every template it may ask for is ours, compiles, and renders."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import flask_admin
import pytest
from flask import Flask
from flask_admin import helpers
from flask_admin.base import BaseView
from wtforms import FieldList, Form, FormField, StringField

from app.web.theme import STATIC, TEMPLATES
from tests.web.gallery_app import Gallery, gallery_app

PACKAGE = Path(flask_admin.__file__).parent
SHIPPED = sorted(
    str(path.relative_to(PACKAGE / "templates/bootstrap4")) for path in PACKAGE.rglob("templates/bootstrap4/**/*.html")
)
OURS = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def asked_for_in_source() -> set[str]:
    """Names that Flask-Admin's Python code mentions, besides those of its documentation."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if "tests" not in path.parts:
            names |= set(re.findall(r"""["'](admin/[a-z_/]+\.html)["']""", path.read_text()))
    return names - {"admin/myhome.html"}


@pytest.fixture(scope="module")
def gallery() -> Flask:
    return gallery_app()


@pytest.fixture
def view(gallery: Flask) -> Iterator[BaseView]:
    """A view inside a request, ready to render."""
    with gallery.test_request_context("/admin/gallery/?id=1"):
        [found] = [view for view in gallery.extensions["admin"][0]._views if isinstance(view, Gallery)]
        helpers.set_current_view(found)
        yield found


def test_flask_admin_ships_the_24_templates_we_know() -> None:
    assert len(SHIPPED) == 24
    assert asked_for_in_source() <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_template_of_flask_admin_is_ours(gallery: Flask, name: str) -> None:
    assert gallery.jinja_env.get_template(name).filename == str(TEMPLATES / name)


@pytest.mark.parametrize("name", OURS)
def test_every_template_compiles(gallery: Flask, name: str) -> None:
    assert gallery.jinja_env.get_template(name).name == name


class Line(Form):
    word = StringField("Word")


class Sample(Form):
    name = StringField("Name", description="What people call it")
    lines = FieldList(FormField(Line), min_entries=1)


FORM_PAGES = [
    "admin/model/create.html",
    "admin/model/edit.html",
    "admin/model/modals/create.html",
    "admin/model/modals/edit.html",
    "admin/file/form.html",
    "admin/file/modals/form.html",
]


@pytest.mark.parametrize("name", FORM_PAGES)
def test_a_form_page_shows_its_fields_and_the_way_back(view: BaseView, name: str) -> None:
    page = view.render(
        name, form=Line(word="kept"), return_url="/back", dir_url="/back", header_text="Upload", form_opts=None
    )

    assert 'name="word"' in page
    assert 'value="kept"' in page
    assert 'href="/back"' in page


@pytest.mark.parametrize("name", ["admin/model/details.html", "admin/model/modals/details.html"])
def test_a_detail_page_shows_each_column_once(view: BaseView, name: str) -> None:
    page = view.render(
        name, details_columns=[("a", "First"), ("b", "Second")], model={"a": "<1>", "b": None}, get_value=dict.get
    )

    assert page.count("<dt>First</dt>") == 1
    assert "<dd>&lt;1&gt;</dd>" in page
    assert "<dt>Second</dt>" in page


def test_the_list_of_files_escapes_their_names(view: BaseView) -> None:
    view_can = {"can_upload": True, "can_mkdir": True, "can_delete": False}
    items = [("<b>.pdf", "b.pdf", False, 2_048, 0.0), ("folder", "folder", True, 0, 0.0)]
    for name, value in view_can.items():
        setattr(view, name, value)

    page = view.render(
        "admin/file/list.html",
        items=items,
        dir_path="",
        get_dir_url=lambda _endpoint, path=None: f"/dir/{path}",
        get_file_url=lambda path: f"/file/{path}",
        timestamp_format=lambda _date: "long ago",
    )

    assert "&lt;b&gt;.pdf" in page
    assert 'href="/file/b.pdf"' in page
    assert 'href="/dir/folder"' in page


def test_the_redis_console_is_not_offered(view: BaseView) -> None:
    assert "There is no Redis console here." in view.render("admin/rediscli/console.html")
    assert view.render("admin/rediscli/response.html", result="<x>") == "<pre>&lt;x&gt;</pre>"


def test_forms_inside_forms_keep_their_values(view: BaseView) -> None:
    form = Sample(data={"lines": [{"word": "one"}, {"word": "two"}]})
    context = {"field": form.lines, "h": helpers, "template": None, "check": None, "form_opts": None}
    env = view.admin.app.jinja_env

    listed = env.get_template("admin/model/inline_field_list.html").render(**context)
    inner = env.get_template("admin/model/inline_form.html").render(field=form.lines[0], h=helpers, form_opts=None)

    assert listed.count('value="one"') == 1
    assert listed.count('value="two"') == 1
    assert 'value="one"' in inner


def test_row_actions_and_actions_are_forms_that_ask_first(view: BaseView) -> None:
    env = view.admin.app.jinja_env
    delete_form = SimpleNamespace(id=lambda value: value, url=lambda value: value)
    context = {"get_url": lambda endpoint, **_: endpoint, "return_url": "/back", "delete_form": delete_form}
    rows = env.get_template("admin/model/row_actions.html").make_module(context)
    actions = env.get_template("admin/actions.html").make_module(context)

    assert 'data-confirm="Delete this?"' in rows.delete_row(None, "7", None)
    assert '<button type="submit" class="btn" name="action" value="go">Go</button>' in actions.form(
        [("go", "Go")], "/do"
    )


@pytest.mark.parametrize("name", OURS)
def test_no_template_needs_what_the_policy_forbids(name: str) -> None:
    source = (TEMPLATES / name).read_text()

    assert not re.search(r"<[^>]*\sstyle=", source)
    assert not re.search(r"<[^>]*\son[a-z]+=", source)
    assert "javascript:" not in source
    assert not re.search(r"""(src|href)=["'](https?:)?//""", source)
    assert not re.search(r"<script(?![^>]*nonce=)", source)
    assert "|safe" not in source.replace(" ", "")


@pytest.mark.parametrize(
    "path", sorted(STATIC.glob("css/*.css")) + sorted(STATIC.glob("js/*.js")), ids=lambda path: path.name
)
def test_no_file_of_ours_reaches_for_another_host(path: Path) -> None:
    source = path.read_text()

    assert not re.search(r"https?://", source)
    assert "innerHTML" not in source
    assert len(source.splitlines()) <= 600
