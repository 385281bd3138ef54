from django.db import migrations


def make_home(apps, schema_editor):
    """Puts a page of this project in the place of Wagtail's own, which says welcome."""
    ContentType = apps.get_model("contenttypes.ContentType")
    HomePage = apps.get_model("home.HomePage")
    Locale = apps.get_model("wagtailcore.Locale")
    Page = apps.get_model("wagtailcore.Page")
    Site = apps.get_model("wagtailcore.Site")
    root = Page.objects.get(depth=1)
    Page.objects.filter(depth=2).delete()
    kind, _ = ContentType.objects.get_or_create(app_label="home", model="homepage")
    home = HomePage.objects.create(
        title="Magazine",
        draft_title="Magazine",
        slug="home",
        url_path="/home/",
        path=f"{root.path}0001",
        depth=2,
        content_type=kind,
        locale=Locale.objects.get(),
        body="<p>The first issue is in print.</p>",
    )
    Page.objects.filter(pk=root.pk).update(numchild=1)
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "localhost", "root_page": home})


class Migration(migrations.Migration):
    dependencies = [("home", "0001_initial"), ("contenttypes", "0002_remove_content_type_name")]
    operations = [migrations.RunPython(make_home, migrations.RunPython.noop)]
