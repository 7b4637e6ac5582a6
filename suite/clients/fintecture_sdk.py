"""PyPI fintecture, the vendor's Python SDK: its calls that concern tokens, and the class of error it
raises for every row of the error table. It signs each request with a key that nobody registered."""
import base64
import re
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import fintecture
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fintecture import api_requestor, error

import suite
from suite import call, callback, customer, introspect, refused, same

app = suite.fintecture['client']
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
fintecture.app_id = app['client_id']
fintecture.app_secret = app['client_secret']
fintecture.private_key = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
fintecture.sandbox_api_base = suite.base
fintecture.env = 'sandbox'
provider = 'cmmcfr'


def active(token):
    return introspect(suite.fintecture, token)['active']


def back(url, **more):
    """The parameters of the redirect that the customer's answer leads to."""
    return dict(parse_qsl(urlsplit(customer(url, **more)).query))


def a_code():
    return back(fintecture.AIS.connect(redirect_uri=callback, state='st')['meta']['url'])['code']


def pis():
    token = fintecture.PIS.oauth()
    same(list(token), ['access_token', 'token_type', 'expires_in', 'scope'])
    same((token['token_type'], token['expires_in'], token['scope']), ('Bearer', 3600, 'PIS'))
    assert active(token['access_token'])


def connect():
    meta = fintecture.AIS.connect(redirect_uri=callback, state='st 1')['meta']
    same(meta['status'], 200)
    same(meta['session_id'], meta['connect_id'])
    told = back(meta['url'])
    same(told['state'], 'st 1')
    assert re.fullmatch('[0-9a-f]{32}', told['customer_id']), told
    return told['code']


def ais(code):
    token = fintecture.AIS.oauth(code=code)
    same((token['token_type'], token['expires_in'], token['scope']), ('Bearer', 3600, 'AIS'))
    assert token['refresh_token']
    assert active(token['access_token'])
    return token


def refresh(first):
    before = first['access_token']
    for _ in range(10):
        token = fintecture.OAuth.refresh_token(refresh_token=first['refresh_token'])
        same(token['refresh_token'], first['refresh_token'])
        same(token['scope'], 'AIS')
        assert not active(before), 'the access token before is still active'
        assert active(token['access_token'])
        before = token['access_token']


def redirect():
    answer = fintecture.AIS.authorize(provider, callback, state='st')
    same((answer['provider'], answer['model']), (provider, 'redirect'))
    token = fintecture.AIS.oauth(code=back(answer['url'])['code'])
    assert active(token['access_token'])


def decoupled():
    who = {'psu_id': 'bob', 'psu_ip_address': '192.0.2.4'}
    started = fintecture.AIS.authorize(provider, callback, state='st', model='decoupled', **who)
    same(started['model'], 'decoupled')
    poll = lambda: fintecture.AIS.decoupled(provider, started['polling_id'], **who)
    same(poll()['status'], 'PENDING')
    customer(started['url'], login='bob')
    answer = poll()
    same(answer['status'], 'COMPLETED')
    assert active(fintecture.AIS.oauth(code=answer['code'])['access_token'])


call('PIS.oauth', pis)
code = call('AIS.connect, then a code', connect)
first = call('AIS.oauth', lambda: ais(code))
call('OAuth.refresh_token ten times: the same refresh token, the access token before dies', lambda: refresh(first))
call('AIS.authorize by redirect', redirect)
call('AIS.authorize decoupled', decoupled)


@contextmanager
def instead(**values):
    """The SDK is a module with settings: other ones for one call."""
    before = {name: getattr(fintecture, name) for name in values}
    for name, value in values.items():
        setattr(fintecture, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(fintecture, name, value)


def with_settings(body, **values):
    with instead(**values):
        return body()


def row(status, code, oauth, item, message):
    """What the SDK makes of the merged body."""
    def look(why):
        same((why.http_status, why.code), (status, code))
        body = why.json_body
        same(list(body), ['error', 'error_description', 'status', 'code', 'log_id', 'errors'])
        same((body['error'], body['status'], body['code']), (oauth, status, code))
        same(body['error_description'], message)
        same(len(why.errors), 1)
        same((why.errors[0]['code'], why.errors[0]['message']), (item, message))
        assert why.errors[0]['title']
        assert re.fullmatch('[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}', why.log_id)
    return look


def request(method, path, form=None, content_type='application/x-www-form-urlencoded'):
    """What the SDK has no call for, or a broken one, through its own requestor."""
    pair = f'{fintecture.app_id}:{fintecture.app_secret}'.encode()
    headers = {'Content-Type': content_type, 'Authorization': 'Basic ' + base64.b64encode(pair).decode()}
    requestor = api_requestor.APIRequestor(fintecture.app_id, fintecture.app_secret)
    return requestor.request(method, path, form or {}, headers)[0].data


def token_request(path='/oauth/accesstoken', **form):
    return request('post', path, form)


def revoked():
    token = fintecture.AIS.oauth(code=a_code())
    answer = requests.post(suite.fintecture['revocation_endpoint'], {'token': token['refresh_token']},
                           auth=(app['client_id'], app['client_secret']))
    same(answer.status_code, 200)
    assert not active(token['access_token'])
    return fintecture.OAuth.refresh_token(refresh_token=token['refresh_token'])


APP = (401, 'unauthorized', 'invalid_client', 'invalid_app_id', 'Invalid app_id.')
CODE = (401, 'unauthorized', 'invalid_grant', 'invalid_code', 'The authorization code is either wrong or expired.')
TOKEN = (401, 'unauthorized', 'invalid_grant', 'invalid_token', 'The token is either invalid or expired.')
URL = (401, 'unauthorized', 'invalid_grant', 'invalid_app_url', 'Invalid app redirect URL.')
SCOPE = (401, 'unauthorized', 'invalid_scope', 'invalid_scopes',
         'Your app does not have the necessary scopes to access this API.')
SIGNATURE = (401, 'unauthorized', 'invalid_client', 'invalid_signature',
             'The signature is either missing or invalid.')
SYNTAX = (400, 'bad_request', 'invalid_request', 'bad_request', 'Invalid parameters or malformed syntax.')
GRANT = (400, 'bad_request', 'unsupported_grant_type', 'invalid_field',
         'The value or format of field grant_type is incorrect')
REFUSED, BAD = error.AuthorizationError, error.BadRequestError


def missing(name):
    return (400, 'bad_request', 'invalid_request', 'mandatory_field_missing',
            f'The mandatory field is missing: {name} has not been defined.')


def without_credentials():
    requestor = api_requestor.APIRequestor('', '')
    requestor.app_id = None
    return requestor.request('post', '/oauth/accesstoken', {'grant_type': 'client_credentials', 'scope': 'PIS'},
                             {'Content-Type': 'application/x-www-form-urlencoded', 'app_id': ''})


refused('unknown app', REFUSED, lambda: with_settings(fintecture.PIS.oauth, app_id='nobody'), row(*APP))
refused('bad secret', REFUSED, lambda: with_settings(fintecture.PIS.oauth, app_secret='wrong'), row(*APP))
refused('no credentials', REFUSED, without_credentials, row(*APP))
refused('bad code', REFUSED, lambda: fintecture.AIS.oauth(code='the+code/='), row(*CODE))
refused('used code', REFUSED, lambda: fintecture.AIS.oauth(code=code), row(*CODE))
refused('refresh token of a code used twice', REFUSED,
        lambda: fintecture.OAuth.refresh_token(refresh_token=first['refresh_token']), row(*TOKEN))
refused('bad refresh token', REFUSED, lambda: fintecture.OAuth.refresh_token(refresh_token='RT'), row(*TOKEN))
refused('revoked refresh token', REFUSED, revoked, row(*TOKEN))
refused('redirect_uri that differs', REFUSED,
        lambda: fintecture.AIS.oauth(code=a_code(), redirect_uri='http://127.0.0.1:8099/other'), row(*URL))
refused('scope of nobody', REFUSED,
        lambda: token_request(grant_type='client_credentials', scope='payments'), row(*SCOPE))
refused('AIS without a code', REFUSED,
        lambda: token_request(grant_type='client_credentials', scope='AIS'), row(*SCOPE))
refused('signature where one is required', REFUSED,
        lambda: token_request('/oauth/secure/accesstoken', grant_type='client_credentials', scope='PIS'),
        row(*SIGNATURE))
refused('no grant_type', BAD, lambda: token_request(scope='PIS'), row(*missing('grant_type')))
refused('no code', BAD, lambda: token_request(grant_type='authorization_code'), row(*missing('code')))
refused('no refresh_token', BAD,
        lambda: token_request('/oauth/refreshtoken', grant_type='refresh_token'), row(*missing('refresh_token')))
refused('repeated parameter', BAD,  # the SDK writes both spellings of the key alike
        lambda: request('post', '/oauth/accesstoken',
                        {'grant_type': 'client_credentials', 'scope': 'PIS', b'scope': 'PIS'}), row(*SYNTAX))
refused('wrong media type', BAD,
        lambda: request('post', '/oauth/accesstoken', {'grant_type': 'client_credentials'}, 'application/json'),
        row(*SYNTAX))
refused('credentials that contradict', BAD,
        lambda: token_request(grant_type='client_credentials', scope='PIS', client_secret='other'), row(*SYNTAX))
refused('unknown grant_type', BAD, lambda: token_request(grant_type='password'), row(*GRANT))
refused('customer of nobody', error.NotFoundError, lambda: request('delete', '/ais/v1/customer/' + '0' * 32),
        lambda why: same((why.code, why.errors[0]['code'], why.errors[0]['title']),
                         ('not_found', 'customer_unknown', 'Customer ID invalid')))
