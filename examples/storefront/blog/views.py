"""The journal's pages."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.views.generic import DetailView, ListView

from origin import two_pass

from .models import Post


class PublishedPosts:
    """Posts are shown from their day on."""

    def get_queryset(self) -> QuerySet[Post]:
        """What may be read now."""
        return Post.objects.published(timezone.now())


@two_pass(dimensions=("currency",), query=("page",), groups=("posts",))
class Journal(PublishedPosts, ListView):  # type: ignore[type-arg]
    """All posts, the newest first."""

    template_name = "blog/journal.html"
    context_object_name = "posts"
    paginate_by = 6


@two_pass(dimensions=("currency",), query=(), groups=("posts",))
class PostPage(PublishedPosts, DetailView):  # type: ignore[type-arg]
    """One post, and others to go on with."""

    template_name = "blog/post.html"
    context_object_name = "post"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Three other posts."""
        others = self.get_queryset().exclude(pk=self.object.pk)[:3]
        return super().get_context_data(others=others, **kwargs)
