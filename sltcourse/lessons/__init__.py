"""What stands behind each notebook. The course's order:

| notebook | here |
|---|---|
| 00 | `two_mysteries` |
| 01 | `fisher_information` |
| 02 | `broken_statistics` |
| 03 | `volume_scaling` |
| 04 | `learning_coefficient` |
| 05 | `generalization` |
| 06 | `free_energy` |
| 07 | `llc_estimation` |
| 08 | `superposition` |
"""
