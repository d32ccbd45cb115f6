"""The admin's trust policy: its rules, and one file for each format that is read."""
