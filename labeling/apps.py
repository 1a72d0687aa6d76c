"""The labeling project and its story."""

from django.apps import AppConfig


class LabelingConfig(AppConfig):
    name = "labeling"
