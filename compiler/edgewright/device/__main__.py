"""Entry of the agent: of `edgewright-agent.pyz`, of `python -m edgewright.device`, and of this file run by its path."""

import os
import sys

if __name__ == "__main__":
    if not __package__ and os.path.isfile(__file__):
        # run by path: the folder that holds the `edgewright` package is two up; beside a zip archive it is on the path
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from edgewright.device.agent import main

    sys.exit(main())
