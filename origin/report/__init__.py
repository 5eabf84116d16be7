"""What `manage.py two_pass_report` finds out: routes, one page explained, leaks between users."""
