"""QRDA Category I: the data of one patient, as certification and submission ask for them."""

from ecqm.reporting.submissions.category1.document import MeasureReference, QrdaDocument, write_qrda1

__all__ = ["MeasureReference", "QrdaDocument", "write_qrda1"]
