"""What a WSGI server runs (`granian --interface wsgi wsgi:app`), and where `flask` finds its commands."""

from app import cli
from app.factory import create_app
from app.settings import Settings

app = create_app(Settings.from_env())
cli.register(app)
