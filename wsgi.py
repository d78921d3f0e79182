"""What a WSGI server runs (`granian --interface wsgi wsgi:app`), and where `flask` finds its commands."""

from app import cli
from app.errors import ConfigurationError
from app.factory import create_app
from app.settings import Settings
from jobs.commands import jobs
from jobs.timetable import TIMETABLE

try:
    app = create_app(Settings.from_env(), TIMETABLE)
except ConfigurationError as contradiction:
    raise SystemExit(f"Counterfoil does not start: {contradiction}") from None
cli.register(app)
app.cli.add_command(jobs)
