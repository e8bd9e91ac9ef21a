"""Documents for CMS: results of runs (QPP, QRDA Category III) and data of patients (QRDA Category I)."""
