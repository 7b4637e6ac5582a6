"""What every script of this suite shares: the sandbox it talks to, a customer who answers the
pages, the resource server's question, and a line for each call."""
import atexit
import base64
import json
import os
import re
import sys
import traceback
from html import unescape
from urllib.parse import urljoin, urlsplit

import requests

sandbox = json.loads(os.environ['COUNTERFOIL_SANDBOX'])
base = sandbox['http']
fintecture, mx, worldline, standard, fapi2, fapi2_ms = (
    sandbox['surfaces'][name] for name in ('fintecture', 'mx', 'worldline', 'standard', 'fapi2', 'fapi2_ms'))
# The registered redirect URI with a port, which is free to differ (RFC 8252 section 7.3).
callback = 'http://127.0.0.1:8099/callback'
failed = []


def call(name, body):
    """One call of the package. The script goes on after a failure, so that all of them are seen."""
    try:
        value = body()
    except Exception as why:
        failed.append(name)
        text = f'{type(why).__name__}: {why} {getattr(why, "http_body", "") or ""}'
        print(f'FAILED {name}: {" ".join(text.split())}', flush=True)
        return None
    print(f'ok {name}', flush=True)
    return value


def refused(name, kind, body, look=lambda why: None):
    """The call must raise this class of error, which is given to be looked at."""
    def run():
        try:
            value = body()
        except kind as why:
            assert type(why) is kind, f'{type(why).__name__} instead of {kind.__name__}'
            look(why)
            return
        raise AssertionError(f'accepted: {value}')
    call(name, run)


def same(got, wanted):
    assert got == wanted, f'{got!r} instead of {wanted!r}'


def hidden(html, name):
    found = re.search(f'name="{name}" value="([^"]*)"', html)
    return unescape(found[1]) if found else None


def customer(url, login='ada', answer='allow'):
    """The customer's part: follows the URL, signs in, chooses the first account, answers."""
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = sandbox['ca']
    bank = '{0.scheme}://{0.netloc}'.format(urlsplit(url))

    def follow(page):
        while 'location' in page.headers:
            url = urljoin(page.url, page.headers['location'])
            # The redirect back to the app is not followed: it is what the app is waiting for.
            if not url.startswith(bank):
                return url
            page = browser.get(url, allow_redirects=False)
        return page

    page = follow(browser.get(url, allow_redirects=False))
    for _ in range(4):
        if isinstance(page, str):
            return page
        if '<h1>Your answer is saved</h1>' in page.text:  # decoupled: the app asks for it
            return None
        form = re.search(r'<form method="post" action="((?:/o/[^"/]+)?/(?:login|consent))"', page.text)
        assert form, f'no form at {page.url}: {page.status_code} {page.text}'
        fields = {name: hidden(page.text, name) for name in ('interaction', 'csrf')}
        if form[1].endswith('/login'):
            fields.update(login=login, password=sandbox['password'], action='submit')
        else:
            fields.update(account=hidden(page.text, 'account'), action=answer)
        page = follow(browser.post(bank + form[1], fields, allow_redirects=False))
    raise AssertionError(f'the pages do not end: {page.url}')


def introspect(surface, token):
    """What the resource server of a surface learns about a token (RFC 7662)."""
    server = surface['resource_server']
    answer = requests.post(surface['introspection_endpoint'], {'token': token},
                           auth=(server['client_id'], server['client_secret']))
    same(answer.status_code, 200)
    return answer.json()


def claims(jwt):
    """What a compact JWT says, unproven."""
    body = jwt.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(body + '=' * (-len(body) % 4)))


def crashed(kind, why, trace):
    """A script that breaks has made fewer calls than it should: that is a failure too."""
    failed.append('script')
    where = traceback.extract_tb(trace)[-1]
    print(f'FAILED the script itself, line {where.lineno}: {kind.__name__}: {why}', flush=True)


sys.excepthook = crashed


@atexit.register
def end():
    if failed:
        os._exit(1)
