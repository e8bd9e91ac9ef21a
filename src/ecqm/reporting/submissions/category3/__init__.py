"""QRDA Category III: the counts of measures over all patients."""
