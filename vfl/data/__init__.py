"""What a party lets in: declared views of its own tables, checked; consent; and the wrapper that keeps rows here."""

from vfl.data.consent import ConsentBook, ConsentCounts
from vfl.data.private import Private
from vfl.data.quality import FeatureQuality, QualityReport
from vfl.data.schema import FeatureKind, FeatureSpec, Use, Views, ViewSpec
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views

__all__ = [
    "ConsentBook",
    "ConsentCounts",
    "Dataset",
    "FeatureKind",
    "FeatureQuality",
    "FeatureSpec",
    "Private",
    "QualityReport",
    "Use",
    "ViewSpec",
    "Views",
    "load_view",
    "load_views",
]
