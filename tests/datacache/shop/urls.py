"""Pages of the tests' shop."""

urlpatterns = []
