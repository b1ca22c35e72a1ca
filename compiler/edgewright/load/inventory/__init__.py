"""Static Ansible inventories as data: files, groups, hosts and their variables, with the place of each.

Reads what `ansible-inventory` reads, as far as it is text; runs nothing. Knows nothing of devices.
"""
