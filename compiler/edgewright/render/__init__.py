"""The Ansible project of a release; pure."""
