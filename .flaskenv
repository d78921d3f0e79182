# Read by every `flask` command, so `--app wsgi` need not be typed.
FLASK_APP=wsgi
