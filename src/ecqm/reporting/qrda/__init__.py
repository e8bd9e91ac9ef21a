"""QRDA: reports of patients (Category I) as certification and submission ask for them."""

from ecqm.reporting.qrda.writer import MeasureReference, QrdaDocument, write_qrda1

__all__ = ["MeasureReference", "QrdaDocument", "write_qrda1"]
