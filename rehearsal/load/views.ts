import type { Patch } from '../image/patch';

/** Path of a view that waits half a minute for a dependency. */
export const WAIT = '/load/wait';
/** Path of a view that reads the whole body. */
export const BODY = '/load/body';
/** Path of a view that lets no other thread of its process run, for longer than anybody waits. */
export const HOLD = '/load/hold';

export const WAIT_SECONDS = 30;

/** Views for these checks alone: the example, which anybody may deploy, has none that can be misused so. */
export const VIEWS: Patch = {
  file: 'config/urls.py',
  append: `
import ctypes
import time

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt


def wait(request):
    time.sleep(${WAIT_SECONDS})
    return HttpResponse("done")


@csrf_exempt
def body(request):
    return HttpResponse(str(len(request.body)))


def hold(request):
    ctypes.PyDLL(None).sleep(600)  # Called without releasing the GIL.
    return HttpResponse("done")


urlpatterns += [path("load/wait", wait), path("load/body", body), path("load/hold", hold)]
`,
};
