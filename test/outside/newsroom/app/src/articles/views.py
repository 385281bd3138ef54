from django.views.generic import ListView

from .models import Article

front = ListView.as_view(model=Article, template_name="front.html", context_object_name="articles")
