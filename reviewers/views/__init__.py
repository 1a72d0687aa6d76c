"""Pages of people at work: load, check, show."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request as it comes out of the middleware, for the type checker."""

    htmx: HtmxDetails
