"""PyPI Authlib: plain OpenID Connect by discovery, with secrets, with keys of its own, with an OpenID client."""
import time
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken, UserInfo
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registered import registered
from suite import call, callback, customer, refused, same, standard

app = standard['client']
SCOPE = 'openid profile email'
verifier = 'x' * 48


def discovered():
    url = get_well_known_url(standard['issuer'], external=True)
    same(url, standard['discovery'])
    told = OpenIDProviderMetadata(requests.get(url).json())
    told.validate()
    same(told['issuer'], standard['issuer'])
    return told


server = call('discovery, valid as Authlib reads it', discovered)


def session(method='client_secret_basic', secret=app['client_secret'], **more):
    return OAuth2Session(app['client_id'], secret, scope=SCOPE, redirect_uri=callback, code_challenge_method='S256',
                         token_endpoint_auth_method=method, **more)


def flow(client, nonce='n-0S6_WzA2Mj', proof=verifier, **who):
    url, state = client.create_authorization_url(server['authorization_endpoint'], code_verifier=verifier, nonce=nonce)
    back = customer(url, **who)
    same(parse_qs(urlsplit(back).query)['iss'], [standard['issuer']])
    token = client.fetch_token(server['token_endpoint'], authorization_response=back, state=state, code_verifier=proof)
    return dict(token)


def login(token, audience=app['client_id'], alg='RS256', nonce='n-0S6_WzA2Mj'):
    keys = JsonWebKey.import_key_set(requests.get(server['jwks_uri']).json())
    claims = JsonWebToken([alg]).decode(
        token['id_token'], keys, claims_cls=CodeIDToken,
        claims_options={'iss': {'values': [standard['issuer']]}, 'aud': {'values': [audience]}},
        claims_params={'nonce': nonce, 'client_id': audience, 'access_token': token['access_token']})
    claims.validate()
    same(claims.header['alg'], alg)
    return claims


def code(method):
    client = session(method)
    token = flow(client)
    same((token['token_type'], token['expires_in'], token['scope']), ('Bearer', 600, SCOPE))
    claims = login(token)
    assert abs(claims['exp'] - time.time() - 3_600) <= 5
    return client, token, claims


def told(code):
    return lambda why: same(why.error, code)


for method in ('client_secret_basic', 'client_secret_post'):
    client, first, claims = call(f'{method}: code, nonce, the ID token valid as Authlib reads it', lambda: code(method))

    def userinfo():
        info = UserInfo(client.get(server['userinfo_endpoint']).json())
        same((info['sub'], info.name), (claims['sub'], 'Ada Lovelace'))
        same(client.get(standard['resource']).json()['sub'], claims['sub'])

    def refreshed():
        second = dict(client.refresh_token(server['token_endpoint'], refresh_token=first['refresh_token']))
        assert second['refresh_token'] != first['refresh_token']
        return second

    def introspected(token, active):
        who = standard['resource_server']
        asking = OAuth2Session(who['client_id'], who['client_secret'])
        answer = asking.introspect_token(server['introspection_endpoint'], token=token, token_type_hint='access_token')
        same(answer.json()['active'], active)

    def revoked():
        introspected(second['access_token'], True)
        answer = client.revoke_token(server['revocation_endpoint'], token=second['refresh_token'])
        same(answer.status_code, 200)
        introspected(second['access_token'], False)

    call(f'{method}: userinfo and the resource', userinfo)
    second = call(f'{method}: refresh, rotated', refreshed)
    call(f'{method}: the same refresh again, the identical successor',
         lambda: same(refreshed()['refresh_token'], second['refresh_token']))
    call(f'{method}: introspection and revocation', revoked)
    refused(f'{method}: refresh after it', OAuthError,
            lambda: client.refresh_token(server['token_endpoint'], refresh_token=second['refresh_token']),
            told('invalid_grant'))
    refused(f'{method}: wrong secret', OAuthError,
            lambda: session(method, 'wrong').fetch_token(server['token_endpoint'], grant_type='client_credentials'),
            told('invalid_client'))
    refused(f'{method}: wrong code_verifier', OAuthError, lambda: flow(session(method), proof='y' * 48),
            told('invalid_grant'))


def own(alg):
    kind, size = {'RS256': (RSAKey, 2048), 'PS256': (RSAKey, 2048), 'ES256': (ECKey, 'P-256'),
                  'EdDSA': (OKPKey, 'Ed25519')}[alg]
    key = kind.generate_key(size, {'kid': f'authlib-{alg}'})
    client = registered(standard, client_name='Authlib', token_endpoint_auth_method='private_key_jwt',
                        token_endpoint_auth_signing_alg=alg, id_token_signed_response_alg=alg,
                        jwks={'keys': [dict(key.as_dict(private=False), alg=alg)]})
    proven = PrivateKeyJWT(server['token_endpoint'], headers={'kid': f'authlib-{alg}'}, alg=alg)
    mine = OAuth2Session(client['client_id'], key, scope=SCOPE, redirect_uri=callback,
                         code_challenge_method='S256', token_endpoint_auth_method=proven)
    token = flow(mine)
    login(token, client['client_id'], alg)
    assert dict(mine.refresh_token(server['token_endpoint'], refresh_token=token['refresh_token']))['id_token']


for alg in ('RS256', 'PS256', 'ES256', 'EdDSA'):
    call(f'private_key_jwt {alg}, a client that registered itself', lambda: own(alg))


def claims_of(user):
    client = session()
    flow(client, login=user)
    return client.get(server['userinfo_endpoint']).json()


call('email and profile of somebody of whom everything is known', lambda: same(
    (claims_of('alice')['email'], claims_of('alice')['birthdate']), ('alice@bank.example', '1985-10-26')))
call('sub: the same for a customer, another for another',
     lambda: same(len({claims_of('ada')['sub'], claims_of('ada')['sub'], claims_of('bob')['sub']}), 2))
