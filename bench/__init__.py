"""The figures, measured side by side in one run. Never tests: a slow machine is no defect."""
